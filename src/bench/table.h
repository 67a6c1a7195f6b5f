// SPDX-License-Identifier: Apache-2.0
//
// A text table: the first column left-aligned, the others right-aligned, as wide as they must be.
#pragma once

#include <string>
#include <vector>

namespace fv::bench {

class Table {
 public:
  explicit Table(std::vector<std::string> head) : rows_{std::move(head)} {}

  // Missing cells at the end are empty; more cells than the head has are a bug (std::abort).
  void Add(std::vector<std::string> row);
  // A line between groups of rows.
  void Rule() { rows_.emplace_back(); }
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // an empty one is a rule
};

}  // namespace fv::bench
