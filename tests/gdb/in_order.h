// SPDX-License-Identifier: Apache-2.0
//
// What GDB printed, held against what it should have.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace fv::tests {

// Each of `parts`, in this order.
inline void ExpectInOrder(const std::string& text, const std::vector<std::string_view>& parts) {
  size_t at = 0;
  for (const std::string_view part : parts) {
    const size_t found = text.find(part, at);
    ASSERT_NE(found, std::string::npos) << part << "\nis missing behind byte " << at << " of\n"
                                        << text;
    at = found + part.size();
  }
}

}  // namespace fv::tests
