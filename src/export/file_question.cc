// SPDX-License-Identifier: Apache-2.0
#include "src/export/file_question.h"

#include "src/export/guest_core.h"
#include "src/export/task_core.h"

namespace fv::exports {
namespace {

using query::Answer;
using query::Moment;
using query::Words;

absl::StatusOr<Answer> AskTaskCore(const Moment* moment, const Words& words, int fd) {
  if (words.size() != 2) return absl::InvalidArgumentError("core takes the pid of a task");
  const absl::StatusOr<uint32_t> pid = query::PidOf(words[1]);
  if (!pid.ok()) return pid.status();
  return moment == nullptr ? Answer{} : WriteTaskCore(*moment, *pid, fd);
}

absl::StatusOr<Answer> AskGuestCore(const Moment* moment, const Words& words, int fd) {
  if (words.size() != 1) return absl::InvalidArgumentError("vmcore takes no arguments");
  return moment == nullptr ? Answer{} : WriteGuestCore(*moment, fd);
}

struct FileQuestion {
  const char* name;
  absl::StatusOr<Answer> (*ask)(const Moment* moment, const Words& words, int fd);
};
constexpr FileQuestion kQuestions[] = {{"core", AskTaskCore}, {"vmcore", AskGuestCore}};

const FileQuestion* Find(const Words& words) {
  for (const FileQuestion& question : kQuestions) {
    if (!words.empty() && words.front() == question.name) return &question;
  }
  return nullptr;
}

}  // namespace

bool IsFileQuestion(const Words& words) { return Find(words) != nullptr; }

absl::StatusOr<Answer> AskForFile(const Moment* moment, const Words& words, int fd) {
  const FileQuestion* question = Find(words);
  if (question == nullptr) return absl::InvalidArgumentError("no question for a file");
  return question->ask(moment, words, fd);
}

}  // namespace fv::exports
