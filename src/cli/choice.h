// SPDX-License-Identifier: Apache-2.0
//
// A flag whose value is one of a few words.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace fv::cli {

template <typename T>
struct Choice {
  std::string_view name;
  T value;
};

// The value that `text` names, or InvalidArgument with the names that --`flag` takes.
template <typename T, size_t kCount>
absl::StatusOr<T> Choose(std::string_view flag, const std::string& text,
                         const Choice<T> (&choices)[kCount]) {
  std::string names;
  for (const Choice<T>& choice : choices) {
    if (choice.name == text) return choice.value;
    absl::StrAppend(&names, names.empty() ? "" : ", ", std::string(choice.name));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--", std::string(flag), "=", text, ": choose one of ", names));
}

}  // namespace fv::cli
