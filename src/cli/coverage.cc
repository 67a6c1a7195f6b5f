// SPDX-License-Identifier: Apache-2.0
//
// forkvisor coverage: what programs that are there reach of the guest kernel.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/cli/arguments.h"
#include "src/cli/choice.h"
#include "src/cli/coverage_output.h"
#include "src/cli/exit_codes.h"
#include "src/cli/fuzz_options.h"
#include "src/cli/output.h"
#include "src/cli/verbs.h"

DECLARE_string(format);
DECLARE_string(out);

namespace fv::cli {
namespace {

namespace fs = std::filesystem;

struct Reached {
  uint64_t programs = 0;
  std::vector<uint64_t> block_hits;
};

// The files of a directory, in order of their names; of a campaign's, its corpus.
absl::StatusOr<std::vector<std::string>> FilesOf(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<std::string>{path};
  const std::string corpus = path + "/corpus";
  std::vector<std::string> files;
  for (const auto& entry :
       fs::directory_iterator(fs::is_directory(corpus, error) ? corpus : path, error)) {
    if (entry.is_regular_file(error)) files.push_back(entry.path().string());
  }
  if (error) return absl::ErrnoToStatus(error.value(), path);
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<Reached> RunPrograms(const fuzz::GuestRunOptions& options, const Words& paths) {
  absl::StatusOr<std::unique_ptr<fuzz::GuestRunner>> guest = fuzz::GuestRunner::Make(options);
  if (!guest.ok()) return guest.status();
  Reached reached{.programs = 0, .block_hits = std::vector<uint64_t>((*guest)->blocks().size())};
  for (const std::string& path : paths) {
    const absl::StatusOr<std::vector<std::string>> files = FilesOf(path);
    if (!files.ok()) return files.status();
    for (const std::string& file : *files) {
      const absl::StatusOr<fuzz::Program> program = ReadProgram(file);
      if (!program.ok()) return program.status();
      const fuzz::GuestRun run = (*guest)->Run(*program);
      for (size_t i = 0; i < run.block_counts.size(); ++i) {
        reached.block_hits[i] += run.block_counts[i] != 0 ? 1 : 0;
      }
      ++reached.programs;
    }
  }
  return reached;
}

using Formatter = std::string (*)(const Reached&, const coverage::Report&);

std::string ConsoleText(const Reached& reached, const coverage::Report& report) {
  return absl::StrCat("programs  ", reached.programs, "\n", CoverageText(report));
}

std::string JsonText(const Reached& reached, const coverage::Report& report) {
  const nlohmann::ordered_json json = {{"programs", reached.programs},
                                       {"coverage", CoverageJson(report)}};
  return json.dump(2) + "\n";
}

constexpr Choice<Formatter> kFormats[] = {{"console", &ConsoleText}, {"json", &JsonText}};

}  // namespace

int CoverageVerb(const Words& args) {
  absl::StatusOr<Arguments> arguments =
      ParseArguments(args, {"out", "source", "check", "format", "strategy", "kernel", "mutant"});
  if (!arguments.ok()) return UsageError("coverage", arguments.status());
  if (arguments->help) return ShowHelp("coverage");
  if (arguments->words.empty()) return UsageError("coverage", "of which programs?");
  const absl::StatusOr<Formatter> format = Choose("format", FLAGS_format, kFormats);
  if (!format.ok()) return StatusError(format.status());
  absl::StatusOr<fuzz::JudgeOptions> options = JudgeOptionsFromFlags(oracle::CheckMode::kOff);
  if (!options.ok()) return StatusError(options.status());
  options->guest.reset = fuzz::ResetKind::kSnapshot;
  const absl::StatusOr<Reached> reached = RunPrograms(options->guest, arguments->words);
  if (!reached.ok()) return StatusError(reached.status());
  const absl::StatusOr<coverage::Report> report =
      CoverageReport(options->guest.kernel_image, reached->block_hits);
  if (!report.ok()) return StatusError(report.status());
  if (!FLAGS_out.empty()) {
    const absl::Status written = WriteCoverage(*report, FLAGS_out);
    if (!written.ok()) return OutputError(written);
  }
  std::fputs((*format)(*reached, *report).c_str(), stdout);
  return kExitOk;
}

}  // namespace fv::cli
