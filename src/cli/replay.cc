// SPDX-License-Identifier: Apache-2.0
//
// forkvisor replay: one fuzz program, looked at.
#include <cstdio>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/fuzz_options.h"
#include "src/cli/output.h"
#include "src/cli/record.h"
#include "src/cli/verbs.h"
#include "src/fuzz/c_source.h"
#include "src/fuzz/text.h"
#include "src/rootfs/host_files.h"
#include "src/session/event_writer.h"

DEFINE_string(as, "", "write the program instead: c, text, textproto, json or bytes");

namespace fv::cli {
namespace {

// As in a corpus.
std::string ToBytes(const fuzz::Program& program) { return fuzz::Encode(program); }

using ProgramWriter = std::string (*)(const fuzz::Program&);
constexpr Choice<ProgramWriter> kForms[] = {{"c", &fuzz::ToCSource},
                                            {"text", &fuzz::StepsText},
                                            {"textproto", &fuzz::ToText},
                                            {"json", &fuzz::ToJson},
                                            {"bytes", &ToBytes}};

// What --events and --record ask for. The time before each event is in thousands of cycles of the
// guest's clock: its rate is known only when the machine is made.
class Watcher final : public fuzz::RunObserver {
 public:
  static absl::StatusOr<std::unique_ptr<Watcher>> FromFlags(const std::string& program,
                                                            fuzz::GuestRunOptions& guest);
  void OnMachine(vmm::MachineInterface& machine) override {
    if (recording_) recorder_ = recording_->Observe(machine);
  }
  void OnEvent(const proto::EventRecord& event) override {
    if (writer_) writer_->OnEvent(event);
    if (recorder_) recorder_->OnEvent(event);
  }
  vmm::Next OnSafepoint(proto::SafepointKind kind) override {
    return recorder_ ? recorder_->OnSafepoint(kind) : vmm::Next::kContinue;
  }
  vmm::Next OnPause(session::Pause pause) override {
    return recorder_ ? recorder_->OnPause(pause) : vmm::Next::kContinue;
  }
  void OnFinding(const oracle::Finding& finding, const std::string& text) override {
    if (recorder_) recorder_->OnFinding(finding, text);
  }
  void OnEnd(const session::SessionResult& result) override {
    if (!recorder_) return;
    recorder_->Finish(result);
    recording_->Tell(*recorder_);
  }
  // Behind the run: the exit code if it was `code` until now.
  int Finish(int code) {
    return FinishFiles({events_.Close(), recording_ ? recording_->status() : absl::OkStatus()},
                       code);
  }

 private:
  static constexpr uint64_t kTscKhz = 1'000'000;
  OutputFile events_;
  std::optional<session::EventWriter> writer_;
  std::unique_ptr<RunRecording> recording_;
  std::unique_ptr<recording::RecordingObserver> recorder_;
};

// Puts into `guest` what the machine has to be made with.
absl::StatusOr<std::unique_ptr<Watcher>> Watcher::FromFlags(const std::string& program,
                                                            fuzz::GuestRunOptions& guest) {
  auto watcher = std::make_unique<Watcher>();
  if (!FLAGS_events.empty()) {
    absl::StatusOr<uint64_t> kinds = session::ParseEventKinds(FLAGS_event_kinds);
    if (!kinds.ok()) return kinds.status();
    absl::StatusOr<OutputFile> events = OutputFile::Open("events", FLAGS_events);
    if (!events.ok()) return events.status();
    watcher->events_ = *std::move(events);
    watcher->writer_.emplace(watcher->events_.get(), kTscKhz, *kinds);
    guest.event_mask |= *kinds;
  }
  absl::StatusOr<std::unique_ptr<RunRecording>> recording =
      RunRecording::FromFlags(FactsOf({program}, guest.fork_strategy, guest.kernel_image), nullptr);
  if (!recording.ok()) return recording.status();
  watcher->recording_ = *std::move(recording);
  if (watcher->recording_) {
    guest.event_mask |= watcher->recording_->event_mask();
    guest.boot_flags |= watcher->recording_->boot_flags();
  }
  return watcher;
}

int Show(const fuzz::Program& program, const fuzz::Verdict& verdict) {
  if (verdict.run.results) {
    std::fputs(fuzz::ResultsText(program, *verdict.run.results).c_str(), stdout);
  }
  if (!verdict.finding) return kExitOk;
  std::fputs(absl::StrCat(verdict.finding->Key(), "\n", verdict.finding->detail, "\n").c_str(),
             stdout);
  return kExitFinding;
}

absl::StatusOr<int> Replay(const fuzz::Program& program, const std::string& path) {
  absl::StatusOr<fuzz::JudgeOptions> options = JudgeOptionsFromFlags(oracle::CheckMode::kEvery);
  if (!options.ok()) return options.status();
  absl::StatusOr<std::unique_ptr<Watcher>> watcher = Watcher::FromFlags(path, options->guest);
  if (!watcher.ok()) return watcher.status();
  absl::StatusOr<std::unique_ptr<fuzz::Judge>> judge = fuzz::Judge::Make(*options);
  if (!judge.ok()) return judge.status();
  const absl::StatusOr<fuzz::Verdict> verdict = (*judge)->Try(program, watcher->get());
  if (!verdict.ok()) return verdict.status();
  return (*watcher)->Finish(Show(program, *verdict));
}

}  // namespace

absl::StatusOr<fuzz::Program> ReadProgram(const std::string& path) {
  absl::StatusOr<std::string> content = rootfs::ReadHostFile(path);
  if (!content.ok()) return content.status();
  if (!std::string_view(path).ends_with(".textproto")) {
    return fuzz::Decode({reinterpret_cast<const uint8_t*>(content->data()), content->size()});
  }
  absl::StatusOr<fuzz::Program> program = fuzz::ParseText(*content);
  if (program.ok()) return program;
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", program.status().message()));
}

int ReplayVerb(const Words& args) {
  absl::StatusOr<Arguments> arguments = ParseArguments(
      args, {"as", "differential", "native_user", "check", "events", "event_kinds", "strategy",
             "kernel", "mutant", "record", "record_limit", "record_kinds"});
  if (!arguments.ok()) return UsageError("replay", arguments.status());
  if (arguments->help) return ShowHelp("replay");
  if (arguments->words.size() != 1) return UsageError("replay", "which file?");
  const absl::StatusOr<fuzz::Program> program = ReadProgram(arguments->words.front());
  if (!program.ok()) return StatusError(program.status());
  if (!FLAGS_as.empty()) {
    const absl::StatusOr<ProgramWriter> form = Choose("as", FLAGS_as, kForms);
    if (!form.ok()) return StatusError(form.status());
    const std::string text = (*form)(*program);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kExitOk;
  }
  const absl::StatusOr<int> code = Replay(*program, arguments->words.front());
  if (code.ok()) return *code;
  Complain(code.status());
  return absl::IsInvalidArgument(code.status()) ? kExitUsage : kExitHostFailure;
}

}  // namespace fv::cli
