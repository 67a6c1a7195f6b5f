// SPDX-License-Identifier: Apache-2.0
//
// A fuzz target as ClusterFuzz and OSS-Fuzz know them: libFuzzer's flags and exit codes, one guest
// in the process. Words with two dashes, which libFuzzer leaves alone, are ours, but for "--", with
// which OSS-Fuzz begins:
//
//   forkvisor_fuzzer [--check=end] [--strategy=classic] [--mutant=NAME] [-runs=N] CORPUS|FILE...
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "proto/mutants.h"
#include "src/cli/fuzz_kernel.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/worker.h"
#include "src/inspect/fork_strategies.h"

namespace fv::fuzz {
namespace {

constexpr int kUsage = 1;  // libFuzzer's, too

struct NamedMutant {
  std::string_view name;
  uint32_t number;
};
constexpr NamedMutant kMutants[] = {
#define FV_X(number, Name, name, ...) {name, number},
    FV_MUTANT_LIST(FV_X)
#undef FV_X
};

// False if the word means nothing.
bool Apply(std::string_view name, const std::string& value, GuestRunOptions& options) {
  if (name == "check") {
    const std::optional<oracle::CheckMode> check = oracle::ParseCheckMode(value);
    if (check) options.check = *check;
    return check.has_value();
  }
  if (name == "strategy") {
    options.fork_strategy = value;
    return inspect::CheckForkStrategy(options.kernel_image, value).ok();
  }
  if (name != "mutant") return false;
  for (const NamedMutant& mutant : kMutants) {
    if (mutant.name != value) continue;
    options.mutant = mutant.number;
    return true;
  }
  return false;
}

std::optional<JudgeOptions> ReadOptions(int argc, char** argv) {
  JudgeOptions options;
  options.guest.kernel_image = embedded::FuzzKernel();
  options.guest.executor = embedded::FuzzExecutor();
  options.guest.reset = ResetKind::kSnapshot;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("--") || word == "--") continue;
    const size_t equals = word.find('=');
    const std::string value(equals == word.npos ? "" : word.substr(equals + 1));
    if (!Apply(word.substr(2, equals - 2), value, options.guest)) {
      std::fprintf(stderr, "forkvisor_fuzzer: what is \"%s\"?\n", argv[i]);
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace
}  // namespace fv::fuzz

int main(int argc, char** argv) {
  const std::optional<fv::fuzz::JudgeOptions> options = fv::fuzz::ReadOptions(argc, argv);
  if (!options) return fv::fuzz::kUsage;
  return fv::fuzz::RunTarget(*options, argc, argv);
}
