// SPDX-License-Identifier: Apache-2.0
#include "src/lab/report/markup.h"

#include "absl/strings/str_format.h"

namespace fv::lab::report {

std::string Escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // Control characters have no place in a document, escaped or not.
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return out;
}

std::string Number(double value) {
  std::string text = absl::StrFormat("%.2f", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

void Markup::Begin(const char* name, Attributes attributes) {
  out_ += "<";
  out_ += name;
  for (const auto& [key, value] : attributes) {
    out_ += absl::StrFormat(" %s=\"%s\"", key, Escape(value));
  }
}

Markup& Markup::Open(const char* name, Attributes attributes) {
  Begin(name, attributes);
  out_ += ">";
  open_.push_back(name);
  return *this;
}

Markup& Markup::Close() {
  out_ += absl::StrFormat("</%s>\n", open_.back());
  open_.pop_back();
  return *this;
}

Markup& Markup::Leaf(const char* name, Attributes attributes, std::string_view text) {
  Begin(name, attributes);
  out_ += text.empty() ? "/>" : absl::StrFormat(">%s</%s>", Escape(text), name);
  return *this;
}

Markup& Markup::Text(std::string_view text) {
  out_ += Escape(text);
  return *this;
}

Markup& Markup::Insert(const std::string& markup) {
  out_ += markup;
  return *this;
}

std::string Markup::Finish() {
  while (!open_.empty()) Close();
  return std::move(out_);
}

}  // namespace fv::lab::report
