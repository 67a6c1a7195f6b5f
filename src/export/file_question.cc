// SPDX-License-Identifier: Apache-2.0
#include "src/export/file_question.h"

#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/export/graph_text.h"
#include "src/export/guest_core.h"
#include "src/export/task_core.h"
#include "vmm/file_bytes.h"
#include "vmm/whole_file.h"

namespace fv::exports {
namespace {

using query::Answer;
using query::Moment;
using query::Words;

absl::StatusOr<Answer> AskTaskCore(const Moment* moment, const Words& words, int fd) {
  if (words.size() != 2) return absl::InvalidArgumentError("core takes the pid of a task");
  const absl::StatusOr<uint32_t> pid = query::PidOf(words[1]);
  if (!pid.ok()) return pid.status();
  if (moment == nullptr) return Answer{};
  const absl::Status there = query::CheckContents(*moment, words[0]);
  return there.ok() ? WriteTaskCore(*moment, *pid, fd) : there;
}

absl::StatusOr<Answer> AskGuestCore(const Moment* moment, const Words& words, int fd) {
  if (words.size() != 1) return absl::InvalidArgumentError("vmcore takes no arguments");
  if (moment == nullptr) return Answer{};
  const absl::Status there = query::CheckContents(*moment, words[0]);
  return there.ok() ? WriteGuestCore(*moment, fd) : there;
}

// One pid: that address space. None or several: who shares memory with whom.
enum class Form { kSvg, kDot };
absl::StatusOr<std::string> GraphText(const Moment& moment, const std::vector<uint32_t>& pids,
                                      Form form) {
  constexpr size_t kMostRows = 120;
  if (pids.size() == 1) {
    const absl::StatusOr<AddressMap> map = MapAddresses(moment, pids.front(), kMostRows);
    if (!map.ok()) return map.status();
    return form == Form::kSvg ? AddressSvg(*map) : AddressDot(*map);
  }
  const absl::StatusOr<SharingGraph> graph = GraphOf(moment, pids);
  if (!graph.ok()) return graph.status();
  return form == Form::kSvg ? SharingSvg(*graph) : SharingDot(*graph);
}

template <Form form>
absl::StatusOr<Answer> AskGraph(const Moment* moment, const Words& words, int fd) {
  std::vector<uint32_t> pids;
  for (size_t i = 1; i < words.size(); ++i) {
    const absl::StatusOr<uint32_t> pid = query::PidOf(words[i]);
    if (!pid.ok()) return pid.status();
    pids.push_back(*pid);
  }
  if (moment == nullptr) return Answer{};
  const absl::StatusOr<std::string> text = GraphText(*moment, pids, form);
  if (!text.ok()) return text.status();
  if (!vmm::WriteAll(fd, *text)) return vmm::ErrnoError("write");
  return Answer{};
}

struct FileQuestion {
  std::string_view name;
  absl::StatusOr<Answer> (*ask)(const Moment* moment, const Words& words, int fd);
};
constexpr FileQuestion kQuestions[] = {{"core", AskTaskCore},
                                       {"vmcore", AskGuestCore},
                                       {"graph.svg", AskGraph<Form::kSvg>},
                                       {"graph.dot", AskGraph<Form::kDot>}};
constexpr std::string_view kGraph = "graph";  // in a form that the file's name tells

const FileQuestion* Find(const Words& words) {
  for (const FileQuestion& question : kQuestions) {
    if (!words.empty() && words.front() == question.name) return &question;
  }
  return nullptr;
}

}  // namespace

bool IsFileQuestion(const Words& words) {
  return Find(words) != nullptr || (!words.empty() && words.front() == kGraph);
}

absl::StatusOr<Words> WordsFor(Words words, const std::string& path) {
  if (words.front() != kGraph) return words;
  const size_t dot = path.rfind('.');
  words.front() += dot == std::string::npos ? "" : path.substr(dot);
  if (Find(words) != nullptr) return words;
  return absl::InvalidArgumentError(
      absl::StrCat("--out=", path, ": graph writes FILE.svg, or FILE.dot for Graphviz"));
}

absl::StatusOr<Answer> AskForFile(const Moment* moment, const Words& words, int fd) {
  const FileQuestion* question = Find(words);
  if (question == nullptr) return absl::InvalidArgumentError("no question for a file");
  return question->ask(moment, words, fd);
}

}  // namespace fv::exports
