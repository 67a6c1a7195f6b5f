// SPDX-License-Identifier: Apache-2.0
//
// forkvisor fuzz: a campaign.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/cli/choice.h"
#include "src/cli/coverage_output.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/fuzz_kernel.h"
#include "src/cli/fuzz_options.h"
#include "src/cli/verbs.h"
#include "src/fuzz/campaign.h"
#include "src/fuzz/executor_program.h"
#include "src/inspect/fork_strategies.h"
#include "tools/build_info/build_info.h"

DECLARE_string(format);
DECLARE_uint32(jobs);

DEFINE_string(time, "1m", "length of a campaign: 90, 90s, 10m, 1h; 0: no limit");
DEFINE_uint64(programs, 0, "programs that each job runs; 0: no limit");
DEFINE_string(corpus, "fuzz", "directory of a campaign");
DEFINE_uint64(seed, 1, "of a campaign's choices");
DEFINE_string(coverage, "", "write what was reached of the kernel: FILE.lcov, or a directory");
DEFINE_bool(compares, false, "keep programs that bring the kernel's comparisons nearer to equal");
DEFINE_bool(differential, false, "compare with this Linux");

namespace fv::cli {
namespace {

using fuzz::CampaignState;

constexpr uint32_t kMostJobs = 256;

// What the programs of this campaign depend on.
std::string Origin(const fuzz::JudgeOptions& judge) {
  return absl::StrCat("forkvisor ", std::string(BuildCommit()), " fuzz --seed=", FLAGS_seed,
                      " --strategy=", FLAGS_strategy,
                      FLAGS_mutant.empty() ? "" : " --mutant=" + FLAGS_mutant,
                      judge.differential ? " --differential" : "");
}

absl::StatusOr<fuzz::CampaignOptions> OptionsFromFlags() {
  fuzz::CampaignOptions options;
  absl::StatusOr<fuzz::JudgeOptions> judge = JudgeOptionsFromFlags(oracle::CheckMode::kEnd);
  if (!judge.ok()) return judge.status();
  const absl::StatusOr<session::ProveReset> prove = ProveResetFromFlags();
  if (!prove.ok()) return prove.status();
  judge->guest.reset = fuzz::ResetKind::kSnapshot;
  judge->guest.prove_reset = *prove;
  judge->guest.from = FLAGS_from;
  absl::StatusOr<double> seconds = ParseDuration("time", FLAGS_time);
  if (!seconds.ok()) return seconds.status();
  if (FLAGS_jobs > kMostJobs) {
    return absl::InvalidArgumentError(absl::StrCat("--jobs: at most ", kMostJobs));
  }
  if (FLAGS_corpus.empty()) return absl::InvalidArgumentError("--corpus wants a directory");
  CheckBoots(judge->guest.kernel_image);  // the jobs could only fail, one after the other
  options.judge = *judge;
  options.origin = Origin(*judge);
  options.directory = FLAGS_corpus;
  options.seconds = static_cast<uint64_t>(std::ceil(*seconds));
  options.programs = FLAGS_programs;
  options.jobs = FLAGS_jobs != 0 ? FLAGS_jobs : std::max(1u, std::thread::hardware_concurrency());
  options.seed = FLAGS_seed;
  options.compares = FLAGS_compares;
  return options;
}

double Rate(const CampaignState& state) {
  return state.seconds > 0 ? static_cast<double>(state.programs) / state.seconds : 0;
}

double ResetUs(const CampaignState& state) {
  if (state.resets == 0) return 0;
  return static_cast<double>(state.reset_ns) / 1e3 / static_cast<double>(state.resets);
}

// Null: nothing is known of the kernel.
using MaybeReport = const coverage::Report*;

std::string ConsoleText(const CampaignState& state, MaybeReport report) {
  return absl::StrFormat(
      "programs  %d in %.1f s, %.0f a second\n"
      "features  %d\n"
      "corpus    %d\n"
      "findings  %d, of them %d by this campaign\n"
      "resets    %d, %.0f us on average, %d proved exact\n%s",
      state.programs, state.seconds, Rate(state), state.features, state.corpus, state.findings,
      state.found, state.resets, ResetUs(state), state.proofs,
      report == nullptr ? "" : CoverageText(*report));
}

std::string JsonText(const CampaignState& state, MaybeReport report) {
  nlohmann::ordered_json json = {
      {"seconds", state.seconds},   {"programs", state.programs}, {"per_second", Rate(state)},
      {"features", state.features}, {"corpus", state.corpus},     {"findings", state.findings},
      {"found_now", state.found},   {"restarts", state.restarts}, {"resets", state.resets},
      {"reset_us", ResetUs(state)}, {"proofs", state.proofs},
  };
  if (report != nullptr) json["coverage"] = CoverageJson(*report);
  return json.dump(2) + "\n";
}

// The snapshot that jobs start from, if one is asked for: made if it is not there.
absl::Status MakeStart(const fuzz::GuestRunOptions& guest) {
  if (guest.from.empty()) return absl::OkStatus();
  if (access(guest.from.c_str(), F_OK) != 0) return fuzz::WriteReadySnapshot(guest);
  // One that cannot be used is the user's fault: better known here than in each job.
  return fuzz::GuestRunner::Make(guest).status();
}

using Formatter = std::string (*)(const CampaignState&, MaybeReport);
constexpr Choice<Formatter> kFormats[] = {{"console", &ConsoleText}, {"json", &JsonText}};

void SayProgress(const CampaignState& state) {
  Complain(absl::StrFormat(
      "%.0f s: %d programs, %.0f a second, blocks %d, features %d, corpus %d, findings %d, "
      "reset %.0f us",
      state.seconds, state.programs, Rate(state), state.BlocksReached(), state.features,
      state.corpus, state.findings, ResetUs(state)));
}

// Tells and writes how a campaign ended.
absl::Status Summarise(const fuzz::CampaignOptions& options, const CampaignState& state,
                       Formatter format) {
  const absl::StatusOr<coverage::Report> report =
      CoverageReport(options.judge.guest.kernel_image, state.block_hits);
  std::fputs(format(state, report.ok() ? &*report : nullptr).c_str(), stdout);
  if (FLAGS_coverage.empty()) return absl::OkStatus();
  return report.ok() ? WriteCoverage(*report, FLAGS_coverage) : report.status();
}

}  // namespace

absl::StatusOr<fuzz::JudgeOptions> JudgeOptionsFromFlags(oracle::CheckMode usual) {
  fuzz::JudgeOptions options;
  const absl::StatusOr<oracle::CheckMode> check = CheckModeFromFlags();
  if (!check.ok()) return check.status();
  absl::StatusOr<native::NativeOptions::User> user = NativeUserFromFlags();
  if (!user.ok()) return user.status();
  absl::StatusOr<std::span<const uint8_t>> kernel =
      FLAGS_kernel.empty() ? embedded::FuzzKernel() : KernelImage();
  if (!kernel.ok()) return kernel.status();
  absl::StatusOr<proto::Mutant> mutant = MutantFromFlags(*kernel);
  if (!mutant.ok()) return mutant.status();
  const absl::Status strategy = inspect::CheckForkStrategy(*kernel, FLAGS_strategy);
  if (!strategy.ok()) return strategy;
  options.guest.kernel_image = *kernel;
  options.guest.executor = embedded::FuzzExecutor();
  options.guest.check = Given("check") ? *check : usual;
  options.guest.fork_strategy = FLAGS_strategy;
  options.guest.mutant = static_cast<uint32_t>(*mutant);
  options.differential = FLAGS_differential;
  options.native_user = *user;
  return options;
}

int FuzzVerb(const Words& args) {
  absl::StatusOr<Arguments> arguments = ParseArguments(
      args, {"time",   "jobs",     "programs", "corpus", "seed",   "differential", "native_user",
             "check",  "format",   "strategy", "kernel", "mutant", "prove_reset",  "coverage",
             "source", "compares", "from",     "engine", "merge",  "dictionary"});
  if (!arguments.ok()) return UsageError("fuzz", arguments.status());
  if (arguments->help) return ShowHelp("fuzz");
  if (!arguments->words.empty()) {
    return UsageError("fuzz", absl::StrCat("what is \"", arguments->words.front(), "\"?"));
  }
  if (const std::optional<int> done = FuzzWithoutGuest()) return *done;
  absl::StatusOr<Formatter> format = Choose("format", FLAGS_format, kFormats);
  if (!format.ok()) return StatusError(format.status());
  absl::StatusOr<fuzz::CampaignOptions> options = OptionsFromFlags();
  if (!options.ok()) return StatusError(options.status());
  // Without KVM the jobs could only fail, one after the other.
  (void)vmm::Kvm::Open();
  const absl::Status start = MakeStart(options->judge.guest);
  if (!start.ok()) return StatusError(start);
  if (const std::optional<int> done = FuzzWithoutCampaign(*options)) return *done;
  const absl::StatusOr<CampaignState> state = fuzz::RunCampaign(*options, &SayProgress);
  if (!state.ok()) {
    Complain(state.status());
    return kExitHostFailure;
  }
  const absl::Status told = Summarise(*options, *state, *format);
  if (!told.ok()) {
    Complain(told);
    return kExitHostFailure;
  }
  return state->found == 0 ? kExitOk : kExitFinding;
}

}  // namespace fv::cli
