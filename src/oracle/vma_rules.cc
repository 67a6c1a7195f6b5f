// SPDX-License-Identifier: Apache-2.0
//
// All on copies; see the header.
#include "src/oracle/vma_rules.h"

#include <algorithm>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"

namespace fv::oracle {
namespace {

using inspect::Hex;
using inspect::Vma;
using proto::VmaRecord;

Finding& Add(Rule rule, const inspect::Mm& mm, uint64_t address, std::string sentence,
             Findings& findings) {
  Finding& finding = findings.Add(rule, std::move(sentence));
  finding.mm = mm.address;
  finding.address = address;
  return finding;
}

void CheckOrder(const inspect::Mm& mm, Findings& findings) {
  uint64_t end = 0;
  for (const Vma& vma : mm.vmas) {
    const VmaRecord& record = vma.record;
    if (record.mm != mm.address) {
      Add(Rule::kVmaOrder, mm, record.start,
          "VMA " + Hex(vma.address) + " names " + Hex(record.mm) + " as its address space",
          findings);
    }
    const bool aligned = (record.start | record.end) % proto::kPageBytes == 0;
    if (!aligned || record.start >= record.end || record.end > proto::kUserEnd) {
      Add(Rule::kVmaOrder, mm, record.start,
          "VMA " + inspect::VmaText(record) + " is not a range of user pages", findings);
    }
    if (record.start < end) {
      Add(Rule::kVmaOrder, mm, record.start,
          "VMA " + inspect::VmaText(record) + " begins before its neighbour's end " + Hex(end),
          findings);
    }
    end = std::max(end, record.end);
  }
}

void CheckTree(const inspect::Mm& mm, Findings& findings) {
  const size_t common = std::min(mm.vmas.size(), mm.tree.size());
  for (size_t i = 0; i < common; ++i) {
    if (mm.vmas[i].address != mm.tree[i]) {
      Add(Rule::kVmaTree, mm, mm.vmas[i].record.start,
          "VMA number " + std::to_string(i) + " is " + Hex(mm.vmas[i].address) +
              " by the list and " + Hex(mm.tree[i]) + " by the tree",
          findings);
      return;
    }
  }
  if (mm.vmas.size() != mm.tree.size()) {
    Add(Rule::kVmaTree, mm, 0,
        "the list has " + std::to_string(mm.vmas.size()) + " VMAs, the tree " +
            std::to_string(mm.tree.size()),
        findings);
  }
}

void CheckTotals(const inspect::Mm& mm, Findings& findings) {
  uint64_t pages = 0;
  uint64_t locked = 0;
  for (const Vma& vma : mm.vmas) {
    const uint64_t count = (vma.record.end - vma.record.start) >> proto::kPageShift;
    pages += count;
    locked += (vma.record.flags & proto::kVmLocked) != 0 ? count : 0;
  }
  auto compare = [&](const char* what, uint64_t recorded, uint64_t found) {
    if (recorded != found) {
      Add(Rule::kVmaTotals, mm, mm.address,
          std::string(what) + " is " + std::to_string(recorded) + ", the VMAs give " +
              std::to_string(found),
          findings);
    }
  };
  compare("vma_count", mm.record.vma_count, mm.vmas.size());
  compare("total_pages", mm.record.total_pages, pages);
  compare("locked_pages", mm.record.locked_pages, locked);
}

void CheckCharges(const inspect::Mm& mm, Findings& findings) {
  for (const Vma& vma : mm.vmas) {
    constexpr uint64_t kKinds = proto::kVmWrite | proto::kVmShared | proto::kVmNoReserve;
    const bool accountable = (vma.record.flags & kKinds) == proto::kVmWrite;
    if (accountable && (vma.record.flags & proto::kVmAccount) == 0) {
      Add(Rule::kNotCharged, mm, vma.record.start,
          "VMA " + inspect::VmaText(vma.record) + " may come to need its pages and is not charged",
          findings);
    }
  }
}

// What a fork copies of a VMA: locks are not inherited.
bool SameAfterFork(const VmaRecord& parent, const VmaRecord& child) {
  constexpr uint64_t kCompared = proto::kVmRead | proto::kVmWrite | proto::kVmExec |
                                 proto::kVmShared | proto::kVmGrowsDown | proto::kVmWipeOnFork |
                                 proto::kVmStack | proto::kVmHeap | proto::kVmAccount;
  return parent.start == child.start && parent.end == child.end &&
         (parent.flags & kCompared) == (child.flags & kCompared) && parent.object == child.object &&
         parent.page_offset == child.page_offset;
}

}  // namespace

void CheckVmas(const inspect::Mm& mm, Findings& findings) {
  CheckOrder(mm, findings);
  CheckTree(mm, findings);
  CheckTotals(mm, findings);
  CheckCharges(mm, findings);
}

void CheckForkVmas(const inspect::Mm& parent, const inspect::Mm& child, Findings& findings) {
  size_t at = 0;
  for (const Vma& vma : parent.vmas) {
    const bool here = at < child.vmas.size() && child.vmas[at].record.start == vma.record.start;
    if ((vma.record.flags & proto::kVmDontCopy) != 0) {
      if (here) {
        Add(Rule::kForkVmas, child, vma.record.start,
            "the child has VMA " + inspect::VmaText(vma.record) + ", marked not to be copied",
            findings);
        ++at;
      }
      continue;
    }
    if (!here || !SameAfterFork(vma.record, child.vmas[at].record)) {
      Add(Rule::kForkVmas, child, vma.record.start,
          "the parent's VMA " + inspect::VmaText(vma.record) + " is in the child " +
              (at < child.vmas.size() ? inspect::VmaText(child.vmas[at].record)
                                      : std::string("absent")),
          findings);
      return;
    }
    ++at;
  }
  if (at != child.vmas.size()) {
    Add(Rule::kForkVmas, child, child.vmas[at].record.start,
        "the child's VMA " + inspect::VmaText(child.vmas[at].record) + " is not the parent's",
        findings);
  }
}

const VmaRecord* FindVma(std::span<const Vma> vmas, uint64_t address) {
  const auto it = std::upper_bound(vmas.begin(), vmas.end(), address,
                                   [](uint64_t at, const Vma& vma) { return at < vma.record.end; });
  return it != vmas.end() && it->record.start <= address ? &it->record : nullptr;
}

}  // namespace fv::oracle
