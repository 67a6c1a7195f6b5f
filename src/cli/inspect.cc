// SPDX-License-Identifier: Apache-2.0
//
// forkvisor inspect: questions about a running guest, a program that is started for them, or a
// guest's memory in a file.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>

#include "absl/strings/str_cat.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/guest_run.h"
#include "src/cli/output.h"
#include "src/cli/report.h"
#include "src/cli/verbs.h"
#include "src/export/file_question.h"
#include "src/inspect/fork_strategies.h"
#include "src/query/memory_file.h"
#include "src/query/query.h"
#include "src/query/socket.h"
#include "src/query/stop_at.h"
#include "src/query/words.h"
#include "src/recording/recorded_moment.h"
#include "src/rootfs/host_files.h"
#include "vmm/whole_file.h"

DECLARE_string(format);
DECLARE_string(out);
DECLARE_string(recording);

DEFINE_string(memory, "", "a guest's memory in a file");
DEFINE_string(at, "end", "the moment: end, or [before:]KIND[:N] of events, as in fork-end:2");
DEFINE_string(since, "", "diff: the earlier moment");
DEFINE_uint64(step, 0, "with --recording: the step");

namespace fv::cli {
namespace {

constexpr Choice<query::Format> kFormats[] = {{"console", query::Format::kConsole},
                                              {"json", query::Format::kJson}};

int Print(const absl::StatusOr<query::Answer>& answer, query::Format format) {
  if (!answer.ok()) return StatusError(answer.status());
  std::fputs(query::FormatAnswer(*answer, format).c_str(), stdout);
  return kExitOk;
}

struct Inspection {
  query::Format format = query::Format::kConsole;
  query::Words question;
  Arguments program;  // words empty: none
};

bool IsDiff(const Inspection& inspection) { return inspection.question.front() == "diff"; }
bool IsSave(const Inspection& inspection) { return inspection.question.front() == "save"; }
bool IsForFile(const Inspection& inspection) {
  return exports::IsFileQuestion(inspection.question);
}

// Makes the words of a question for a file those of its form.
absl::Status CheckQuestion(Inspection& inspection) {
  if (inspection.question.empty()) return absl::InvalidArgumentError("which question?");
  if (IsDiff(inspection)) return absl::OkStatus();
  if (IsSave(inspection)) {
    return inspection.question.size() == 2 ? absl::OkStatus()
                                           : absl::InvalidArgumentError("save takes a file");
  }
  if (!IsForFile(inspection)) return query::CheckQuestion(inspection.question);
  if (FLAGS_out.empty()) return absl::InvalidArgumentError("into which file? --out=FILE");
  absl::StatusOr<query::Words> words = exports::WordsFor(inspection.question, FLAGS_out);
  if (!words.ok()) return words.status();
  inspection.question = *std::move(words);
  return exports::AskForFile(nullptr, inspection.question, query::kNoFile).status();
}

// [flags] QUESTION [flags] [-- PROGRAM [ARGS...]]
absl::StatusOr<Inspection> InspectionFrom(const Words& args,
                                          const std::vector<std::string_view>& allowed) {
  Inspection inspection;
  const auto end = std::find(args.begin(), args.end(), "--");
  absl::StatusOr<Arguments> arguments = ParseFlagsAnywhere({args.begin(), end}, allowed);
  if (!arguments.ok()) return arguments.status();
  absl::StatusOr<query::Format> format = Choose("format", FLAGS_format, kFormats);
  if (!format.ok()) return format.status();
  inspection.format = *format;
  inspection.question = std::move(arguments->words);
  inspection.program = *std::move(arguments);
  inspection.program.words.assign(end == args.end() ? end : end + 1, args.end());
  if (inspection.program.help) return inspection;
  const absl::Status possible = CheckQuestion(inspection);
  if (!possible.ok()) return possible;
  return inspection;
}

// Writes --out by `write`, which gives what there is to say about it.
int AnswerIntoFile(const std::function<absl::StatusOr<query::Answer>(int fd)>& write,
                   query::Format format) {
  absl::StatusOr<query::Answer> answer;
  const absl::Status status = vmm::WriteWholeFile(FLAGS_out, [&](int fd) {
    answer = write(fd);
    return answer.status();
  });
  return status.ok() ? Print(answer, format) : OutputError(status);
}

// ---- A program that is started for the question ------------------------------------------------

absl::StatusOr<std::vector<query::When>> Moments(const Inspection& inspection) {
  absl::StatusOr<query::When> at = query::ParseWhen(FLAGS_at);
  if (!at.ok()) return at.status();
  if (!IsDiff(inspection)) return std::vector<query::When>{*at};
  if (inspection.question.size() != 1 || FLAGS_since.empty()) {
    return absl::InvalidArgumentError("diff of a program: --since=MOMENT --at=MOMENT diff -- ...");
  }
  absl::StatusOr<query::When> from = query::ParseWhen(FLAGS_since);
  if (!from.ok()) return from.status();
  return std::vector<query::When>{*from, *at};
}

int AnswerFor(const Inspection& inspection, std::vector<query::Moment>& moments) {
  if (IsDiff(inspection)) {
    return Print(query::Difference(moments.front(), moments.back()), inspection.format);
  }
  if (IsSave(inspection)) {
    const absl::Status saved = query::SaveMemory(moments.back(), inspection.question[1]);
    return saved.ok() ? kExitOk : OutputError(saved);
  }
  if (IsForFile(inspection)) {
    return AnswerIntoFile(
        [&](int fd) { return exports::AskForFile(&moments.back(), inspection.question, fd); },
        inspection.format);
  }
  return Print(query::Ask(moments.back(), inspection.question), inspection.format);
}

// Of tasks there is nothing to see when the program has ended, which is the moment if none is
// named.
void HintAtMoments(const Inspection& inspection) {
  constexpr std::string_view kOfTasks[] = {"ps", "maps", "pt", "core", "graph"};
  const std::string& question = inspection.question.front();
  if (Given("at") || std::ranges::find(kOfTasks, question) == std::end(kOfTasks)) return;
  Complain(
      "this is the end, when only the kernel's init is left; --at=MOMENT asks earlier, as in "
      "--at=before:exit or --at=fork-end");
}

int InspectProgram(const Inspection& inspection) {
  absl::StatusOr<std::vector<query::When>> whens = Moments(inspection);
  if (!whens.ok()) return StatusError(whens.status());
  absl::StatusOr<std::span<const uint8_t>> kernel = KernelImage();
  if (!kernel.ok()) return StatusError(kernel.status());
  RunExtras extras;
  for (const query::When& when : *whens) {
    if (!when.at_end()) extras.event_mask |= proto::EventBit(when.kind);
  }
  extras.boot_flags = proto::kBootSafepoints;
  extras.output = 2;
  extras.observer = [&whens](vmm::MachineInterface& machine) {
    return std::make_unique<query::StopAt>(machine, *whens);
  };
  const auto then = [&](const GuestRunResult& result) {
    auto& stop = static_cast<query::StopAt&>(*result.extra);
    if (!stop.status().ok()) return StatusError(stop.status());
    if (stop.moments().size() == whens->size()) {
      for (query::Moment& moment : stop.moments()) moment.strategies = StrategyNames(*kernel);
      HintAtMoments(inspection);
      return AnswerFor(inspection, stop.moments());
    }
    const Report report = MakeReport(result.session);
    if (!report.message.empty()) Complain(report.message);
    const query::When& missed = (*whens)[stop.moments().size()];
    Complain(absl::StrCat("the program ended before ", query::WhenText(missed), ": ",
                          stop.Seen(missed), " such events came"));
    return kExitUsage;
  };
  const absl::StatusOr<int> code =
      RunGuest(inspection.program, oracle::CheckMode::kOff, then, extras);
  return code.ok() ? *code : StatusError(code.status());
}

// ---- Memory in files ---------------------------------------------------------------------------

// Memory or a snapshot; the latter may be had as the former. The file does not say which kernel it
// is of: names of strategies are those of ours (--kernel) if the guest has them in the same place.
absl::StatusOr<query::Moment> LoadFile(const std::string& file) {
  absl::StatusOr<query::Moment> moment = query::LoadMemory(file);
  const absl::StatusOr<std::span<const uint8_t>> kernel = KernelImage();
  if (!kernel.ok()) return kernel.status();
  if (moment.ok() && inspect::HasForkStrategiesOf(moment->memory, *kernel)) {
    moment->strategies = StrategyNames(*kernel);
  }
  return moment;
}

int InspectFile(const Inspection& inspection, const std::string& file) {
  absl::StatusOr<query::Moment> moment = LoadFile(file);
  if (!moment.ok()) return StatusError(moment.status());
  std::vector<query::Moment> moments;
  moments.push_back(*std::move(moment));
  return AnswerFor(inspection, moments);
}

int CompareFiles(const Inspection& inspection) {
  absl::StatusOr<query::Moment> before = LoadFile(inspection.question[1]);
  if (!before.ok()) return StatusError(before.status());
  absl::StatusOr<query::Moment> after = LoadFile(inspection.question[2]);
  if (!after.ok()) return StatusError(after.status());
  return Print(query::Difference(*before, *after), inspection.format);
}

// ---- A recorded run ----------------------------------------------------------------------------

// The step of --since, for diff.
absl::StatusOr<std::vector<uint64_t>> Steps(const Inspection& inspection) {
  if (!IsDiff(inspection)) return std::vector<uint64_t>{FLAGS_step};
  absl::StatusOr<uint64_t> since = query::NumberOf(FLAGS_since, "step");
  if (inspection.question.size() != 1 || !since.ok()) {
    return absl::InvalidArgumentError("diff of a recording: --since=STEP --step=STEP diff");
  }
  return std::vector<uint64_t>{*since, FLAGS_step};
}

int InspectRecording(const Inspection& inspection) {
  const absl::StatusOr<std::vector<uint64_t>> steps = Steps(inspection);
  if (!steps.ok()) return StatusError(steps.status());
  const absl::StatusOr<std::string> content = rootfs::ReadHostFile(FLAGS_recording);
  if (!content.ok()) return StatusError(content.status());
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(content->data()),
                                       content->size());
  std::vector<query::Moment> moments;
  for (const uint64_t step : *steps) {
    absl::StatusOr<query::Moment> moment = recording::MomentAt(bytes, step);
    if (!moment.ok()) {
      return StatusError(absl::InvalidArgumentError(
          absl::StrCat("--recording=", FLAGS_recording, ": ", moment.status().message())));
    }
    moments.push_back(*std::move(moment));
  }
  if (IsSave(inspection)) return StatusError(query::CheckContents(moments.back(), "save"));
  return AnswerFor(inspection, moments);
}

// ---- A running guest ---------------------------------------------------------------------------

int InspectRunning(const Inspection& inspection) {
  absl::StatusOr<std::string> text;
  absl::Status asked;
  if (IsForFile(inspection)) {
    asked = vmm::WriteWholeFile(FLAGS_out, [&](int fd) {
      text = query::AskServer(FLAGS_vm, inspection.format, inspection.question, fd);
      return text.status();
    });
  } else {
    text = query::AskServer(FLAGS_vm, inspection.format, inspection.question);
    asked = text.status();
  }
  if (!asked.ok()) return OutputError(asked);
  std::fputs(text->c_str(), stdout);
  return kExitOk;
}

// A question is about one guest, and a moment is one of a program.
absl::Status CheckSource(const Inspection& inspection) {
  const bool program = !inspection.program.words.empty();
  const int others = int{!FLAGS_memory.empty()} + int{!FLAGS_recording.empty()};
  const int sources = others + int{!FLAGS_from.empty()} + int{program || !FLAGS_vm.empty()};
  if (sources > 1) {
    return absl::InvalidArgumentError(
        "of one guest: choose one of --vm, --memory, --from, --recording and -- PROGRAM");
  }
  if (Given("step") && FLAGS_recording.empty()) {
    return absl::InvalidArgumentError("--step is of a recording: --recording=FILE");
  }
  if (Given("at") && !program && FLAGS_from.empty()) {
    return absl::InvalidArgumentError("--at is a moment of a program: ... -- PROGRAM [ARGS...]");
  }
  if (Given("since") && !IsDiff(inspection)) {
    return absl::InvalidArgumentError("--since is of diff");
  }
  return CheckPlace(IsSave(inspection) ? "save" : "out",
                    IsSave(inspection) ? inspection.question[1] : FLAGS_out);
}

}  // namespace

int InspectVerb(const Words& args) {
  std::vector<std::string_view> allowed = GuestFlags();
  allowed.insert(allowed.end(),
                 {"memory", "at", "since", "format", "from", "out", "recording", "step"});
  absl::StatusOr<Inspection> inspection = InspectionFrom(args, allowed);
  if (!inspection.ok()) return UsageError("inspect", inspection.status());
  if (inspection->program.help) return ShowHelp("inspect");
  if (const absl::Status wrong = CheckSource(*inspection); !wrong.ok()) {
    return UsageError("inspect", wrong);
  }
  if (!FLAGS_recording.empty()) return InspectRecording(*inspection);
  const bool goes_on = !FLAGS_from.empty() && (Given("at") || IsDiff(*inspection));
  if (goes_on || !inspection->program.words.empty()) {
    if (const absl::Status wrong = CheckFrom(inspection->program); !wrong.ok()) {
      return UsageError("inspect", wrong);
    }
    return InspectProgram(*inspection);
  }
  if (IsDiff(*inspection) && inspection->question.size() == 3) return CompareFiles(*inspection);
  if (!FLAGS_from.empty()) return InspectFile(*inspection, FLAGS_from);
  if (IsDiff(*inspection) || IsSave(*inspection)) {
    return UsageError("inspect", "this question needs a program: ... -- PROGRAM [ARGS...]");
  }
  if (!FLAGS_memory.empty()) return InspectFile(*inspection, FLAGS_memory);
  if (!FLAGS_vm.empty()) return InspectRunning(*inspection);
  return UsageError("inspect",
                    "of which guest? --vm=SOCKET, --memory=FILE, --from=FILE, --recording=FILE "
                    "or -- PROGRAM [ARGS...]");
}

}  // namespace fv::cli
