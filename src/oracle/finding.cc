// SPDX-License-Identifier: Apache-2.0
//
// Names, titles and the text of a finding.
#include "src/oracle/finding.h"

#include <utility>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"

namespace fv::oracle {
namespace {

struct RuleInfo {
  const char* name;
  uint8_t invariant;
  const char* text;
};

constexpr RuleInfo kRules[] = {
#define FV_X(name, invariant, text) {#name, invariant, text},
    FV_ORACLE_RULES(FV_X)
#undef FV_X
};

constexpr const char* kTitles[kInvariants + 1] = {
    "",
    "private sharing is never writable",
    "counts equal references",
    "no more rights than the VMA gives",
    "shared mappings share",
    "users map only user frames",
    "copy-on-write keeps contents",
    "lost permissions are flushed",
    "shared page tables are counted and write-protected",
    "tasks, pids, groups and families agree",
    "VMA list, tree and totals agree",
    "accounts add up and the dead leave nothing",
    "kernel stacks are intact",
    "what is promised is charged",
    "the reverse map finds every mapper",
    "what tasks share is counted",
    "queues and timers hold only who waits",
    "a child gets what it should",
    "a failed fork leaves nothing",
    "exec starts afresh",
    "the dead are announced",
    "every page shows what the events say",
    "memory changes only by those who may write it",
};

const RuleInfo& Info(Rule rule) { return kRules[static_cast<unsigned>(rule)]; }

}  // namespace

unsigned InvariantOf(Rule rule) { return Info(rule).invariant; }
const char* RuleName(Rule rule) { return Info(rule).name; }
const char* RuleText(Rule rule) { return Info(rule).text; }
const char* InvariantTitle(unsigned invariant) {
  return invariant <= kInvariants ? kTitles[invariant] : "";
}

Finding& Findings::Add(Rule rule, std::string sentence) {
  if (full()) {
    ++suppressed_;
    overflow_ = Finding{};
    return overflow_;
  }
  list_.emplace_back();
  list_.back().rule = rule;
  list_.back().sentence = std::move(sentence);
  return list_.back();
}

std::string FindingText(const Finding& finding, std::span<const proto::EventRecord> last_events) {
  const unsigned invariant = InvariantOf(finding.rule);
  std::string text = "I" + std::to_string(invariant) + " broken: " + InvariantTitle(invariant) +
                     "\n  rule     " + RuleName(finding.rule) + ": " + RuleText(finding.rule) +
                     "\n  found    " + finding.sentence;
  if (finding.pid != 0) {
    text += "\n  task     pid " + std::to_string(finding.pid) + " (" + finding.comm + ")";
  }
  if (finding.mm != 0) {
    text += "\n  mm       " + inspect::Hex(finding.mm);
  }
  if (finding.address != 0) {
    text += "\n  address  " + inspect::Hex(finding.address);
  }
  if (finding.pte) {
    text += "\n  pte      " + inspect::PteText(*finding.pte);
  }
  if (finding.pfn) {
    text += "\n  frame    " + inspect::FrameText(*finding.pfn, finding.frame);
  }
  text += "\n";
  if (!last_events.empty()) {
    text += "  last events\n";
    for (const proto::EventRecord& event : last_events) {
      text += "    " + inspect::EventText(event) + "\n";
    }
  }
  return text;
}

}  // namespace fv::oracle
