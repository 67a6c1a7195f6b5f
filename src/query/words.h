// SPDX-License-Identifier: Apache-2.0
//
// Words of questions as what they stand for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace fv::query {

using Words = std::vector<std::string>;

// "WORD is no WANTED".
absl::Status WrongWord(const std::string& word, const char* wanted);
// Decimal, or hexadecimal with 0x. Error: WrongWord.
absl::StatusOr<uint64_t> NumberOf(const std::string& word, const char* wanted);
absl::StatusOr<uint32_t> PidOf(const std::string& word);

}  // namespace fv::query
