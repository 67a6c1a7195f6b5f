// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/content_guard.h"

#include <string>

#include "src/inspect/list_walk.h"
#include "src/oracle/page_content.h"

namespace fv::oracle {

namespace {
// Frames of the backlog looked at for each that may be hashed; most are not shared any more.
constexpr uint64_t kLooksForHash = 4;
constexpr unsigned kWords = proto::kPageBytes / 8;
}  // namespace

ContentGuard::ContentGuard(const inspect::MemoryReader& memory, const FrameCache& frames,
                           ContentBudget budget)
    : memory_(memory),
      frames_(frames),
      budget_(budget),
      hashes_(memory.frames()),
      waiting_(memory.frames()) {}

uint64_t ContentGuard::Hash(uint64_t pfn) const { return HashOfPage(memory_.PageWords(pfn)); }

bool ContentGuard::Shared(uint64_t pfn) const {
  const FrameSums& sums = frames_.sums(pfn);
  return frames_.record(pfn).state == proto::FrameState::kAnon &&
         (sums.maps >= 2 || sums.barred != 0);
}

// Shared, or shared once and not yet written again by the one who is left.
bool ContentGuard::Guarded(uint64_t pfn) const {
  const FrameSums& sums = frames_.sums(pfn);
  return frames_.record(pfn).state == proto::FrameState::kAnon && sums.maps >= 1 &&
         sums.writable == 0;
}

unsigned ContentGuard::DifferentWords(uint64_t a, uint64_t b) const {
  return CountDifferentWords(memory_.PageWords(a), memory_.PageWords(b));
}

unsigned ContentGuard::NonZeroWords(uint64_t pfn) const {
  return CountNonZeroWords(memory_.PageWords(pfn));
}

bool ContentGuard::SameContent(uint64_t a, uint64_t b) const {
  return a == b || DifferentWords(a, b) == 0;
}

void ContentGuard::CheckDirty(uint64_t pfn, Gap gap, Findings& findings) {
  const uint64_t before = hashes_[pfn];
  if (before == 0 || !Guarded(pfn)) {
    return;
  }
  // An entry that mapped it at the last step and still does holds it in between.
  const bool held = frames_.sums(pfn).maps > frames_.fresh(pfn) && !frames_.StateChanged(pfn);
  hashes_[pfn] = Hash(pfn);
  if (gap == Gap::kNone && held && hashes_[pfn] != before) {
    Finding& finding = findings.Add(
        Rule::kSharedChanged, std::to_string(frames_.sums(pfn).maps) +
                                  " entries share the frame copy-on-write, and its content changed "
                                  "since the last safepoint");
    finding.pfn = pfn;
    finding.frame = frames_.record(pfn);
  }
}

void ContentGuard::CheckZero(uint64_t zero_pfn, Findings& findings) const {
  for (uint64_t i = 0; i < kWords; ++i) {
    const uint64_t word = memory_.Word((zero_pfn << proto::kPageShift) + 8 * i);
    if (word != 0) {
      Finding& finding =
          findings.Add(Rule::kZeroChanged, "the zero frame holds " + inspect::Hex(word) +
                                               " at offset " + std::to_string(8 * i));
      finding.pfn = zero_pfn;
      finding.frame = frames_.record(zero_pfn);
      return;
    }
  }
}

void ContentGuard::Step(const DirtyBits& dirty, Gap gap, uint64_t zero_pfn, Findings& findings) {
  if (zero_pfn < memory_.frames() && (first_ || dirty.Frame(zero_pfn))) {
    CheckZero(zero_pfn, findings);
  }
  first_ = false;
  newly_hashed_.clear();
  for (const uint64_t pfn : dirty.frames()) {
    if (pfn < memory_.frames()) {
      CheckDirty(pfn, gap, findings);
    }
  }
  HashBacklog();  // of earlier steps
  HashShared();
}

void ContentGuard::SaveHash(uint64_t pfn) {
  hashes_[pfn] = Hash(pfn);
  newly_hashed_.push_back(pfn);
  ++hashed_;
}

void ContentGuard::HashShared() {
  uint64_t budget = budget_.at_sharing;
  for (const uint64_t pfn : frames_.changed()) {
    if (!Guarded(pfn)) {
      hashes_[pfn] = 0;
    } else if (!Shared(pfn)) {
      continue;
    } else if (hashes_[pfn] == 0 && budget > 0) {
      --budget;
      SaveHash(pfn);
    } else if (hashes_[pfn] == 0 && waiting_[pfn] == 0 && budget_.later > 0) {
      waiting_[pfn] = 1;
      backlog_.push_back(pfn);
    }
  }
}

void ContentGuard::HashBacklog() {
  uint64_t hashes = budget_.later;
  uint64_t looks = kLooksForHash * budget_.later;
  for (; hashes > 0 && looks > 0 && !backlog_.empty(); --looks) {
    const uint64_t pfn = backlog_.front();
    backlog_.pop_front();
    waiting_[pfn] = 0;
    if (hashes_[pfn] == 0 && Shared(pfn)) {
      --hashes;
      SaveHash(pfn);
    }
  }
}

}  // namespace fv::oracle
