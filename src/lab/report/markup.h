// SPDX-License-Identifier: Apache-2.0
//
// Writes HTML and SVG whose elements are all closed and whose text is escaped: what comes out is
// well-formed whatever the data says.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fv::lab::report {

// For text and for attributes in double quotes.
std::string Escape(std::string_view text);

// At most two decimals: pixels need no more.
std::string Number(double value);

class Markup {
 public:
  using Attributes = std::initializer_list<std::pair<const char*, std::string>>;

  // Begins an element; what follows is inside until Close.
  Markup& Open(const char* name, Attributes attributes = {});
  Markup& Close();
  // An element with text, or with nothing, in it.
  Markup& Leaf(const char* name, Attributes attributes, std::string_view text = "");
  Markup& Text(std::string_view text);
  // Something that is well-formed already.
  Markup& Insert(const std::string& markup);

  // All of it; what is still open is closed.
  std::string Finish();

 private:
  void Begin(const char* name, Attributes attributes);

  std::string out_;
  std::vector<const char*> open_;
};

}  // namespace fv::lab::report
