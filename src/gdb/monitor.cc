// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/monitor.h"

#include "absl/strings/str_cat.h"
#include "src/oracle/full_checker.h"
#include "src/query/query.h"
#include "src/query/stop_at.h"

namespace fv::gdb {
namespace {

constexpr char kHelp[] =
    "ps                     tasks as a tree\n"
    "maps [PID]             mappings of a process\n"
    "pt [PID [RANGE]]       its page tables\n"
    "frames [PFN]           physical memory\n"
    "slabs, events [N], find PATTERN\n"
    "check                  the oracle's full check of what stands in memory now\n"
    "program [PID]          whose code breakpoints outside of the kernel mean: this process's\n";

// Findings shown; the rest is counted.
constexpr size_t kMostFindings = 20;

std::string Check(const query::Moment& moment) {
  oracle::Findings findings(kMostFindings);
  oracle::AddMalformed(moment.snapshot.malformed, findings);
  oracle::FullChecker checker(moment.memory);
  checker.Check(moment.snapshot, findings);
  if (findings.list().empty()) {
    return absl::StrCat("nothing is wrong; ", checker.walked_ptes(), " entries walked\n");
  }
  std::string text;
  for (const oracle::Finding& finding : findings.list()) {
    absl::StrAppend(&text, oracle::FindingText(finding, {}), "\n");
  }
  if (findings.suppressed() > 0) absl::StrAppend(&text, findings.suppressed(), " more\n");
  return text;
}

}  // namespace

std::string AnswerMonitor(const vmm::MachineInterface& machine, const MonitorOptions& options,
                          std::optional<uint32_t> pid, std::vector<std::string> words) {
  if (words.empty() || words[0] == "help") return kHelp;
  if (pid && words.size() == 1 && (words[0] == "maps" || words[0] == "pt")) {
    words.push_back(absl::StrCat(*pid));
  }
  absl::StatusOr<query::Moment> moment =
      query::TakeMoment(query::RamOf(machine), query::Keep::kLive);
  if (!moment.ok()) return absl::StrCat(std::string(moment.status().message()), "\n");
  if (words[0] == "check" && words.size() == 1) return Check(*moment);
  moment->strategies = options.strategies;
  absl::StatusOr<query::Answer> answer = query::Ask(*moment, words);
  if (!answer.ok()) {
    return absl::StrCat(std::string(answer.status().message()), " (monitor help lists commands)\n");
  }
  return query::FormatAnswer(*answer, query::Format::kConsole);
}

}  // namespace fv::gdb
