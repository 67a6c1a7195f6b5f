// SPDX-License-Identifier: Apache-2.0
//
// Command-line arguments of a verb. Flags are gflags', but they end at the first word that is no
// flag (or at "--"): what follows belongs to the program that runs in the guest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fv::cli {

struct Arguments {
  std::vector<std::string> words;  // from the first word that is no flag
  // Values of the flags that may be repeated.
  std::vector<std::string> env;   // NAME=VALUE; NAME: not to be there
  std::vector<std::string> file;  // HOST or HOST:GUEST
  bool help = false;
};

// Sets gflags from `args` (without the verb). Only flags named in `allowed` are taken.
// InvalidArgument with a message for the user.
absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>& args,
                                         const std::vector<std::string_view>& allowed);

// The same for a verb whose words are its own: flags may stand behind them too.
absl::StatusOr<Arguments> ParseFlagsAnywhere(const std::vector<std::string>& args,
                                             const std::vector<std::string_view>& allowed);

// Whether `flag` is one of the flags with which `args` begins.
bool NamesFlag(const std::vector<std::string>& args, std::string_view flag);

// Whether the command line has the flag.
bool Given(const char* flag);

// "64M", "1G", "4096": binary units K, M, G, T. InvalidArgument names the flag.
absl::StatusOr<uint64_t> ParseSize(std::string_view flag, std::string_view text);
// "64M" for 64 MiB; bytes when no unit divides.
std::string FormatSize(uint64_t bytes);
// "1.5" seconds to nanoseconds.
absl::StatusOr<uint64_t> ParseSeconds(std::string_view flag, std::string_view text);
// "90", "90s", "1.5m", "2h" to seconds.
absl::StatusOr<double> ParseDuration(std::string_view flag, std::string_view text);

}  // namespace fv::cli
