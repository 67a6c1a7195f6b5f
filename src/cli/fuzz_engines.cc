// SPDX-License-Identifier: Apache-2.0
//
// forkvisor fuzz other than as a campaign: --engine=afl, --merge, --dictionary.
#include <cstdio>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/fuzz_options.h"
#include "src/cli/output.h"
#include "src/cli/verbs.h"
#include "src/fuzz/afl_target.h"
#include "src/fuzz/dictionary.h"
#include "src/fuzz/merge.h"

DEFINE_string(engine, "libfuzzer", "who chooses programs: libfuzzer, or afl: afl-fuzz starts us");
DEFINE_string(dictionary, "", "write the table of calls for engines that change bytes");
DEFINE_string(merge, "", "campaigns, with commas between, to merge into --corpus");

namespace fv::cli {
namespace {

enum class Engine { kLibFuzzer, kAfl };
constexpr Choice<Engine> kEngines[] = {{"libfuzzer", Engine::kLibFuzzer}, {"afl", Engine::kAfl}};

int Failed(const absl::Status& status) {
  Complain(status);
  const bool usage = absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
  return usage ? kExitUsage : kExitHostFailure;
}

int Merge(const fuzz::CampaignOptions& options) {
  const absl::StatusOr<fuzz::Store> into = fuzz::Store::Open(options.directory);
  if (!into.ok()) return Failed(into.status());
  const absl::StatusOr<fuzz::MergeResult> result =
      fuzz::MergeCampaigns(options.judge, absl::StrSplit(FLAGS_merge, ','), *into);
  if (!result.ok()) return Failed(result.status());
  std::fputs(
      absl::StrCat("programs  ", result->programs, "\nkept      ", result->kept, "\nfeatures  ",
                   result->features, "\nfindings  ", result->findings, " new\n")
          .c_str(),
      stdout);
  return kExitOk;
}

int ServeAfl(const fuzz::CampaignOptions& options) {
  fuzz::AflEnds ends;
  absl::Status status = fuzz::FindAflMap(ends);
  if (!status.ok()) return Failed(status);
  const absl::StatusOr<fuzz::Store> store = fuzz::Store::Open(options.directory);
  if (!store.ok()) return Failed(store.status());
  status = fuzz::ServeAfl(options.judge, *store, ends);
  return status.ok() ? kExitOk : Failed(status);
}

}  // namespace

std::optional<int> FuzzWithoutGuest() {
  if (FLAGS_dictionary.empty()) return std::nullopt;
  return WriteOut(fuzz::Dictionary(), FLAGS_dictionary);
}

std::optional<int> FuzzWithoutCampaign(const fuzz::CampaignOptions& options) {
  const absl::StatusOr<Engine> engine = Choose("engine", FLAGS_engine, kEngines);
  if (!engine.ok()) return StatusError(engine.status());
  if (!FLAGS_merge.empty()) return Merge(options);
  if (*engine == Engine::kAfl) return ServeAfl(options);
  return std::nullopt;
}

}  // namespace fv::cli
