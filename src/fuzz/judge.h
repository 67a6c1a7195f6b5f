// SPDX-License-Identifier: Apache-2.0
//
// Runs a program and says what is wrong with what the guest did: a finding of the oracle, a panic,
// a run without an end, or another result than Linux gives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "src/fuzz/change_place.h"
#include "src/fuzz/native_runner.h"
#include "src/fuzz/program.h"
#include "src/fuzz/run.h"
#include "src/inspect/kernel_symbols.h"

namespace fv::fuzz {

struct Finding {
  // "oracle", "panic", "kasan", "ubsan", "hang", "guest-error", ..., "reset": of the program
  // that was tried before
  std::string kind;
  // What else tells it from others: invariant, rule and the kernel's function that made the last
  // change; message; call.
  std::string place;
  std::string detail;  // for people, several lines

  // Findings of one key are one bug.
  std::string Key() const { return kind + ": " + place; }
};

struct JudgeOptions {
  GuestRunOptions guest;
  bool differential = false;
  native::NativeOptions::User native_user = native::NativeOptions::User::kNamespace;
};

struct Verdict {
  std::optional<Finding> finding;
  GuestRun run;
  std::optional<Results> native;  // with differential, of a program in turns
};

class Judge {
 public:
  static absl::StatusOr<std::unique_ptr<Judge>> Make(const JudgeOptions& options);

  ResetStats reset_stats() const { return guest_->reset_stats(); }
  const coverage::KernelBlocks& blocks() const { return guest_->blocks(); }

  // The first thing that is wrong. A difference counts if Linux gives the same every time.
  // Unavailable and the like: the host failed. Throws vmm::VmmError.
  absl::StatusOr<Verdict> Try(const Program& program, RunObserver* observer = nullptr);

 private:
  Judge(const GuestRunOptions& options, std::unique_ptr<GuestRunner> guest,
        std::unique_ptr<NativeRunner> native)
      : options_(options),
        symbols_(options.kernel_image),
        sites_(options.kernel_image),
        guest_(std::move(guest)),
        native_(std::move(native)) {}
  // Says where in the kernel a panic was.
  void AddPlace(const GuestRun& run, Finding& finding);
  // Finds what the oracle found again, step by step, and says where in the kernel it began.
  absl::Status LookCloser(const Program& program, Finding& finding);
  absl::StatusOr<Results> RunNatively(const Program& program);
  absl::Status Compare(const Program& program, Verdict& verdict);

  GuestRunOptions options_;
  inspect::KernelSymbols symbols_;
  EventSites sites_;
  std::optional<coverage::LineTable> lines_;  // read when they are needed
  std::unique_ptr<GuestRunner> guest_;
  std::unique_ptr<GuestRunner> closer_;   // null until something was found
  std::unique_ptr<NativeRunner> native_;  // null without differential
};

}  // namespace fv::fuzz
