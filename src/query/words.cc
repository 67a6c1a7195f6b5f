// SPDX-License-Identifier: Apache-2.0
#include "src/query/words.h"

#include <charconv>

#include "absl/strings/str_cat.h"

namespace fv::query {

absl::Status WrongWord(const std::string& word, const char* wanted) {
  return absl::InvalidArgumentError(absl::StrCat("\"", word, "\" is no ", wanted));
}

absl::StatusOr<uint64_t> NumberOf(const std::string& word, const char* wanted) {
  const bool hex = word.starts_with("0x");
  const char* const first = word.data() + (hex ? 2 : 0);
  const char* const last = word.data() + word.size();
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(first, last, value, hex ? 16 : 10);
  if (error != std::errc() || end != last || first == last) return WrongWord(word, wanted);
  return value;
}

absl::StatusOr<uint32_t> PidOf(const std::string& word) {
  absl::StatusOr<uint64_t> pid = NumberOf(word, "pid");
  if (!pid.ok()) return pid.status();
  return *pid > UINT32_MAX ? absl::StatusOr<uint32_t>(WrongWord(word, "pid"))
                           : static_cast<uint32_t>(*pid);
}

}  // namespace fv::query
