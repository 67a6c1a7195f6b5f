// SPDX-License-Identifier: Apache-2.0
//
// forkvisor inspect: questions about a running guest, a program that is started for them, or a
// guest's memory in a file.
#include <algorithm>
#include <cstdio>
#include <optional>

#include "absl/strings/str_cat.h"
#include "src/cli/bench_matrix.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/guest_run.h"
#include "src/cli/report.h"
#include "src/cli/verbs.h"
#include "src/query/memory_file.h"
#include "src/query/query.h"
#include "src/query/socket.h"
#include "src/query/stop_at.h"

DECLARE_string(format);

DEFINE_string(memory, "", "a guest's memory in a file");
DEFINE_string(at, "end", "the moment: end, or [before:]KIND[:N] of events, as in fork-end:2");
DEFINE_string(since, "", "diff: the earlier moment");

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

absl::StatusOr<Inspection> InspectionFrom(const Arguments& arguments) {
  Inspection inspection;
  absl::StatusOr<query::Format> format = Choose("format", FLAGS_format, kFormats);
  if (!format.ok()) return format.status();
  inspection.format = *format;
  const auto end = std::find(arguments.words.begin(), arguments.words.end(), "--");
  inspection.question.assign(arguments.words.begin(), end);
  inspection.program = arguments;
  inspection.program.words.assign(end == arguments.words.end() ? end : end + 1,
                                  arguments.words.end());
  if (inspection.question.empty()) return absl::InvalidArgumentError("which question?");
  const size_t words = inspection.question.size();
  if (IsSave(inspection) && words != 2) return absl::InvalidArgumentError("save takes a file");
  if (!IsDiff(inspection) && !IsSave(inspection)) {
    absl::Status possible = query::CheckQuestion(inspection.question);
    if (!possible.ok()) return possible;
  }
  return inspection;
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
    return saved.ok() ? kExitOk : StatusError(saved);
  }
  return Print(query::Ask(moments.back(), inspection.question), inspection.format);
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

// Memory or a snapshot; the latter may be had as the former.
int InspectFile(const Inspection& inspection, const std::string& file) {
  absl::StatusOr<query::Moment> moment = query::LoadMemory(file);
  if (!moment.ok()) return StatusError(moment.status());
  std::vector<query::Moment> moments;
  moments.push_back(*std::move(moment));
  return AnswerFor(inspection, moments);
}

int CompareFiles(const Inspection& inspection) {
  absl::StatusOr<query::Moment> before = query::LoadMemory(inspection.question[1]);
  if (!before.ok()) return StatusError(before.status());
  absl::StatusOr<query::Moment> after = query::LoadMemory(inspection.question[2]);
  if (!after.ok()) return StatusError(after.status());
  return Print(query::Difference(*before, *after), inspection.format);
}

// ---- A running guest ---------------------------------------------------------------------------

int InspectRunning(const Inspection& inspection) {
  absl::StatusOr<std::string> text =
      query::AskServer(FLAGS_vm, inspection.format, inspection.question);
  if (!text.ok()) return StatusError(text.status());
  std::fputs(text->c_str(), stdout);
  return kExitOk;
}

}  // namespace

int InspectVerb(const Words& args) {
  std::vector<std::string_view> allowed = GuestFlags();
  allowed.insert(allowed.end(), {"memory", "at", "since", "format", "from"});
  absl::StatusOr<Arguments> arguments = ParseArguments(args, allowed);
  if (!arguments.ok()) return UsageError("inspect", arguments.status().message().data());
  if (arguments->help) return ShowHelp("inspect");
  absl::StatusOr<Inspection> inspection = InspectionFrom(*arguments);
  if (!inspection.ok()) return UsageError("inspect", inspection.status().message().data());
  const bool goes_on = !FLAGS_from.empty() && (Given("at") || IsDiff(*inspection));
  if (goes_on || !inspection->program.words.empty()) {
    if (const std::string wrong = WrongFrom(inspection->program); !wrong.empty()) {
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
                    "of which guest? --vm=SOCKET, --memory=FILE, --from=FILE or -- PROGRAM "
                    "[ARGS...]");
}

}  // namespace fv::cli
