// SPDX-License-Identifier: Apache-2.0
//
// forkvisor check --mutants: the oracle graded by kernels with known bugs.
#include <gflags/gflags.h>
#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/fuzz_kernel.h"
#include "src/cli/mutant_failures_program.h"
#include "src/cli/mutant_probe_program.h"
#include "src/cli/mutant_tasks_program.h"
#include "src/cli/verbs.h"
#include "src/mutants/mutants.h"
#include "vmm/kvm.h"

DEFINE_string(mutants, "", "names of mutants, separated by commas; empty: all");
DEFINE_uint32(jobs, 0, "guests at the same time; 0: one for each CPU");
DECLARE_string(format);

namespace fv::cli {
namespace {

using Formatter = std::string (*)(const mutants::Grade&);
constexpr Choice<Formatter> kFormats[] = {{"console", &mutants::FormatGradeTable},
                                          {"json", &mutants::FormatGradeJson}};

unsigned AtOnce() {
  if (FLAGS_jobs != 0) return FLAGS_jobs;
  cpu_set_t cpus;
  const bool known = sched_getaffinity(0, sizeof(cpus), &cpus) == 0;
  return known ? static_cast<unsigned>(std::max(CPU_COUNT(&cpus), 1)) : 1;
}

absl::StatusOr<mutants::GradeOptions> OptionsFromFlags() {
  mutants::GradeOptions options;
  absl::StatusOr<std::vector<mutants::MutantInfo>> chosen = mutants::ChooseMutants(FLAGS_mutants);
  if (!chosen.ok()) return chosen.status();
  options.mutants = *std::move(chosen);
  options.programs = {{"mutant_probe", embedded::MutantProbeProgram()},
                      {"mutant_tasks", embedded::MutantTasksProgram()},
                      {"mutant_failures", embedded::MutantFailuresProgram()}};
  Arguments program;
  program.words = {"mutant_probe"};
  absl::StatusOr<session::GuestOptions> guest = GuestOptionsFromFlags(program);
  if (!guest.ok()) return guest.status();
  options.guest = *std::move(guest);
  if (FLAGS_kernel.empty()) options.guest.kernel_image = embedded::FuzzKernel();
  const absl::Status possible = CheckHasMutants("mutants", options.guest.kernel_image);
  if (!possible.ok()) return possible;
  options.at_once = AtOnce();
  if (FLAGS_v) {
    options.progress = [](const mutants::Row& row) {
      Complain(absl::StrCat(row.mutant.number == 0 ? "no mutant" : row.mutant.name,
                            row.Good() ? "" : ": NOT as it should be"));
    };
  }
  return options;
}

}  // namespace

bool WantsMutants(const Words& args) { return NamesFlag(args, "mutants"); }

int CheckMutantsVerb(Words args) {
  for (std::string& arg : args) {
    if (arg == "--mutants" || arg == "-mutants") arg = "--mutants=";  // all of them
  }
  absl::StatusOr<Arguments> arguments =
      ParseArguments(args, {"mutants", "jobs", "format", "mem", "kernel", "kernel_ring",
                            "kvm_device", "host", "qemu", "qemu_cpu", "v"});
  if (!arguments.ok()) return UsageError("check", arguments.status());
  if (arguments->help) return ShowHelp("check");
  if (!arguments->words.empty()) {
    return UsageError("check",
                      "check --mutants has programs of its own (or was it --mutants=NAME?)");
  }
  const absl::StatusOr<Formatter> format = Choose("format", FLAGS_format, kFormats);
  if (!format.ok()) return StatusError(format.status());
  const absl::StatusOr<mutants::GradeOptions> options = OptionsFromFlags();
  if (!options.ok()) return StatusError(options.status());
  // Without KVM each run could only fail.
  if (FLAGS_host == "kvm") (void)vmm::Kvm::Open(FLAGS_kvm_device);
  const mutants::Grade grade = mutants::RunGrade(*options);
  std::fputs((*format)(grade).c_str(), stdout);
  if (grade.Good()) return kExitOk;
  Complain("the oracle missed a mutant, or accused the kernel without one");
  return kExitFinding;
}

}  // namespace fv::cli
