// SPDX-License-Identifier: Apache-2.0
//
// From words to the question that they ask.
#include <charconv>
#include <functional>
#include <optional>
#include <span>

#include "absl/strings/str_cat.h"
#include "src/query/query.h"
#include "src/query/words.h"

namespace fv::query {
namespace {

using Arguments = std::span<const std::string>;
// Without a moment: only checks its words.
using Asker = absl::StatusOr<Answer> (*)(const Moment* moment, Arguments arguments);

absl::StatusOr<Answer> AskMaps(const Moment* moment, Arguments arguments) {
  absl::StatusOr<uint32_t> pid = PidOf(arguments[0]);
  if (!pid.ok()) return pid.status();
  return moment == nullptr ? Answer{} : Maps(*moment, *pid);
}

absl::StatusOr<Answer> AskPageTables(const Moment* moment, Arguments arguments) {
  absl::StatusOr<uint32_t> pid = PidOf(arguments[0]);
  if (!pid.ok()) return pid.status();
  if (arguments.size() == 1) {
    return moment == nullptr ? Answer{} : PageTables(*moment, *pid, {});
  }
  const std::string& word = arguments[1];
  const size_t dash = word.find('-');
  absl::StatusOr<uint64_t> start = NumberOf(word.substr(0, dash), "address");
  if (!start.ok()) return start.status();
  if (dash == std::string::npos) return moment == nullptr ? Answer{} : Walk(*moment, *pid, *start);
  absl::StatusOr<uint64_t> end = NumberOf(word.substr(dash + 1), "address");
  if (!end.ok()) return end.status();
  if (*end < *start) return WrongWord(word, "range: the end is before the start");
  return moment == nullptr ? Answer{} : PageTables(*moment, *pid, {*start, *end});
}

absl::StatusOr<Answer> AskFrames(const Moment* moment, Arguments arguments) {
  if (arguments.empty()) return moment == nullptr ? Answer{} : FrameStates(*moment);
  absl::StatusOr<uint64_t> pfn = NumberOf(arguments[0], "frame number");
  if (!pfn.ok()) return pfn.status();
  return moment == nullptr ? Answer{} : OneFrame(*moment, *pfn);
}

absl::StatusOr<Answer> AskEvents(const Moment* moment, Arguments arguments) {
  constexpr uint64_t kFew = 20;
  absl::StatusOr<uint64_t> count = kFew;
  if (!arguments.empty()) count = NumberOf(arguments[0], "number of events");
  if (!count.ok()) return count.status();
  return moment == nullptr ? Answer{} : Events(*moment, *count);
}

std::optional<std::string> BytesOf(const std::string& digits) {
  if (digits.empty() || digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    uint8_t byte = 0;
    const char* const first = digits.data() + i;
    if (std::from_chars(first, first + 2, byte, 16).ptr != first + 2) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

// A word in memory (8 bytes, aligned), "hex:" and bytes, or "text:" and characters.
absl::StatusOr<Answer> AskFind(const Moment* moment, Arguments arguments) {
  const std::string& word = arguments[0];
  std::string pattern;
  unsigned step = 1;
  if (word.starts_with("text:")) {
    pattern = word.substr(5);
  } else if (word.starts_with("hex:")) {
    pattern = BytesOf(word.substr(4)).value_or("");
  } else {
    absl::StatusOr<uint64_t> value = NumberOf(word, "number, hex:BYTES or text:CHARACTERS");
    if (!value.ok()) return value.status();
    pattern.assign(reinterpret_cast<const char*>(&*value), sizeof(*value));
    step = sizeof(*value);
  }
  if (pattern.empty() || pattern.size() > proto::kPageBytes) {
    return WrongWord(word, "pattern of 1 to 4096 bytes");
  }
  return moment == nullptr ? Answer{} : Find(*moment, pattern, step);
}

struct Question {
  std::string_view name;
  Contents wants;
  size_t least;  // arguments
  size_t most;
  Asker ask;
};
constexpr Question kQuestions[] = {
    {"ps", Contents::kTables, 0, 0,
     [](const Moment* moment, Arguments) -> absl::StatusOr<Answer> {
       return moment == nullptr ? Answer{} : Processes(*moment);
     }},
    {"maps", Contents::kTables, 1, 1, AskMaps},
    {"pt", Contents::kTables, 1, 2, AskPageTables},
    {"frames", Contents::kTables, 0, 1, AskFrames},
    {"slabs", Contents::kAll, 0, 0,
     [](const Moment* moment, Arguments) -> absl::StatusOr<Answer> {
       return moment == nullptr ? Answer{} : Slabs(*moment);
     }},
    {"events", Contents::kTables, 0, 1, AskEvents},
    {"find", Contents::kAll, 1, 1, AskFind},
};

absl::StatusOr<Answer> Dispatch(const Moment* moment, const Words& words) {
  if (words.empty()) return absl::InvalidArgumentError("which question?");
  std::string names;
  for (const Question& question : kQuestions) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", std::string(question.name));
    if (question.name != words[0]) continue;
    const Arguments arguments = Arguments(words).subspan(1);
    if (arguments.size() < question.least || arguments.size() > question.most) {
      const std::string up_to =
          question.most > question.least ? absl::StrCat(" to ", question.most) : "";
      return absl::InvalidArgumentError(absl::StrCat(
          words[0], " takes ", question.least, up_to,
          question.most == 1 ? " argument" : " arguments", ", not ", arguments.size()));
    }
    if (moment != nullptr && question.wants == Contents::kAll) {
      absl::Status there = CheckContents(*moment, words[0]);
      if (!there.ok()) return there;
    }
    return question.ask(moment, arguments);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no question \"", words[0], "\": choose one of ", names));
}

}  // namespace

absl::StatusOr<Answer> Ask(const Moment& moment, const Words& words) {
  absl::StatusOr<Answer> answer = Dispatch(&moment, words);
  const auto& malformed = moment.snapshot.malformed;
  if (answer.ok() && !malformed.empty()) {
    answer->notes.push_back(absl::StrCat(
        malformed.size(), " structures could not be read; first: ", malformed[0].sentence));
  }
  return answer;
}

absl::Status CheckContents(const Moment& moment, const std::string& question) {
  if (moment.contents == Contents::kAll) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      question, ": a recording has tasks, mappings, page tables and frames, but no contents of ",
      "memory and no registers"));
}

absl::Status CheckQuestion(const Words& words) { return Dispatch(nullptr, words).status(); }

}  // namespace fv::query
