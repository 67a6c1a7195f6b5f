// SPDX-License-Identifier: Apache-2.0
//
// forkvisor replay: one fuzz program, looked at.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/fuzz_options.h"
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

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stderr) std::fclose(file);
  }
};

// The guest's events; the time before each is in thousands of cycles of its clock.
class EventPrinter final : public session::Observer {
 public:
  static absl::StatusOr<std::unique_ptr<EventPrinter>> Open(const std::string& path,
                                                            uint64_t kinds) {
    std::FILE* file = path == "-" ? stderr : std::fopen(path.c_str(), "we");
    if (file == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("--events=", path, ": ", strerror(errno)));
    }
    return std::unique_ptr<EventPrinter>(new EventPrinter(file, kinds));
  }
  void OnEvent(const proto::EventRecord& event) override { writer_.OnEvent(event); }

 private:
  EventPrinter(std::FILE* file, uint64_t kinds) : file_(file), writer_(file, kTscKhz, kinds) {}

  // The rate is known only when the machine is made.
  static constexpr uint64_t kTscKhz = 1'000'000;
  std::unique_ptr<std::FILE, CloseFile> file_;
  session::EventWriter writer_;
};

int Show(const fuzz::Program& program, const fuzz::Verdict& verdict) {
  if (verdict.run.results) {
    std::fputs(fuzz::ResultsText(program, *verdict.run.results).c_str(), stdout);
  }
  if (!verdict.finding) return kExitOk;
  std::fputs(absl::StrCat(verdict.finding->Key(), "\n", verdict.finding->detail, "\n").c_str(),
             stdout);
  return kExitFinding;
}

absl::StatusOr<fuzz::Verdict> Replay(const fuzz::Program& program) {
  absl::StatusOr<fuzz::JudgeOptions> options = JudgeOptionsFromFlags(oracle::CheckMode::kEvery);
  if (!options.ok()) return options.status();
  std::unique_ptr<EventPrinter> printer;
  if (!FLAGS_events.empty()) {
    absl::StatusOr<uint64_t> kinds = session::ParseEventKinds(FLAGS_event_kinds);
    if (!kinds.ok()) return kinds.status();
    absl::StatusOr<std::unique_ptr<EventPrinter>> opened = EventPrinter::Open(FLAGS_events, *kinds);
    if (!opened.ok()) return opened.status();
    printer = *std::move(opened);
    options->guest.event_mask = *kinds;
  }
  absl::StatusOr<std::unique_ptr<fuzz::Judge>> judge = fuzz::Judge::Make(*options);
  if (!judge.ok()) return judge.status();
  return (*judge)->Try(program, printer.get());
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
  absl::StatusOr<Arguments> arguments =
      ParseArguments(args, {"as", "differential", "native_user", "check", "events", "event_kinds",
                            "strategy", "kernel", "mutant"});
  if (!arguments.ok()) return UsageError("replay", arguments.status().message().data());
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
  const absl::StatusOr<fuzz::Verdict> verdict = Replay(*program);
  if (verdict.ok()) return Show(*program, *verdict);
  Complain(std::string(verdict.status().message()));
  return absl::IsInvalidArgument(verdict.status()) ? kExitUsage : kExitHostFailure;
}

}  // namespace fv::cli
