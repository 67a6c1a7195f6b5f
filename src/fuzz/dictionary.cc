// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/dictionary.h"

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <set>
#include <string_view>

#include "src/fuzz/calls.h"

namespace fv::fuzz {
namespace {

// "CLONE_VM|0" is "CLONE_VM_0".
std::string Word(std::string_view text) {
  std::string word(text);
  for (char& c : word) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return word;
}

class Writer {
 public:
  // Little-endian. Left out if the dictionary has these bytes.
  void Add(const std::string& name, uint64_t value, unsigned bytes) {
    std::string escaped;
    for (unsigned i = 0; i < bytes; ++i) {
      char text[8];
      std::snprintf(text, sizeof(text), "\\x%02x", static_cast<unsigned>(value >> 8 * i & 0xFF));
      escaped += text;
    }
    if (values_.insert(escaped).second) text_ += name + "=\"" + escaped + "\"\n";
  }
  const std::string& text() const { return text_; }

 private:
  std::set<std::string> values_;
  std::string text_ = "# Forkvisor's fuzz programs as bytes (src/fuzz/encoding.h). Generated.\n";
};

}  // namespace

std::string Dictionary() {
  Writer writer;
  for (const CallSpec& call : Calls()) {
    writer.Add(Word(call.name), call.number, sizeof(FvFuzzStep::call));
  }
  for (const CallSpec& call : Calls()) {
    for (const ArgumentSpec& argument : call.arguments) {
      for (const Named& choice : argument.names) {
        writer.Add(Word(call.name) + "_" + Word(choice.name), choice.value,
                   sizeof(FvFuzzArgument::value));
      }
    }
  }
  for (const uint64_t size : Sizes()) {
    writer.Add("size_" + std::to_string(size), size, sizeof(FvFuzzArgument::value));
  }
  for (const uint64_t offset : Offsets()) {
    writer.Add("offset_" + std::to_string(offset), offset, sizeof(FvFuzzArgument::value));
  }
  return writer.text();
}

}  // namespace fv::fuzz
