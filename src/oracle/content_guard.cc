// SPDX-License-Identifier: Apache-2.0
//
// The hash is not cryptographic: it has to notice bugs, not forgers. Eight independent lanes keep
// the multiplier busy, so a page costs about what reading it costs.
#include "src/oracle/content_guard.h"

#include <string>

#include "src/inspect/list_walk.h"

namespace fv::oracle {

namespace {
constexpr uint64_t kPrime = 0x9E3779B97F4A7C15;
constexpr unsigned kWords = proto::kPageBytes / 8;
}  // namespace

ContentGuard::ContentGuard(const inspect::MemoryReader& memory, const FrameCache& frames,
                           ContentBudget budget)
    : memory_(memory), frames_(frames), budget_(budget), hashes_(memory.frames()) {}

uint64_t ContentGuard::Hash(uint64_t pfn) const {
  uint64_t lanes[8];
  for (unsigned lane = 0; lane < 8; ++lane) {
    lanes[lane] = kPrime * (lane + 1);
  }
  const uint64_t base = pfn << proto::kPageShift;
  for (unsigned i = 0; i < kWords; i += 8) {
    for (unsigned lane = 0; lane < 8; ++lane) {
      lanes[lane] = (lanes[lane] ^ memory_.Word(base + 8 * (i + lane))) * kPrime;
      lanes[lane] ^= lanes[lane] >> 32;
    }
  }
  uint64_t hash = 1;
  for (const uint64_t lane : lanes) {
    hash = (hash ^ lane) * kPrime;
    hash ^= hash >> 29;
  }
  return hash | 1;  // 0 means none
}

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
  unsigned different = 0;
  for (uint64_t i = 0; i < kWords; ++i) {
    different += memory_.Word((a << proto::kPageShift) + 8 * i) !=
                 memory_.Word((b << proto::kPageShift) + 8 * i);
  }
  return different;
}

unsigned ContentGuard::NonZeroWords(uint64_t pfn) const {
  unsigned count = 0;
  for (uint64_t i = 0; i < kWords; ++i) {
    count += memory_.Word((pfn << proto::kPageShift) + 8 * i) != 0;
  }
  return count;
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
  for (const uint64_t pfn : dirty.frames()) {
    if (pfn < memory_.frames()) {
      CheckDirty(pfn, gap, findings);
    }
  }
  uint64_t budget = budget_.at_sharing;
  for (const uint64_t pfn : frames_.changed()) {
    if (!Guarded(pfn)) {
      hashes_[pfn] = 0;
    } else if (!Shared(pfn)) {
      continue;
    } else if (hashes_[pfn] == 0 && budget > 0) {
      --budget;
      ++hashed_;
      hashes_[pfn] = Hash(pfn);
    } else if (hashes_[pfn] == 0 && budget_.later > 0) {
      backlog_.push_back(pfn);
    }
  }
  for (uint64_t i = 0; i < budget_.later && !backlog_.empty(); ++i) {
    const uint64_t pfn = backlog_.front();
    backlog_.pop_front();
    if (hashes_[pfn] == 0 && Shared(pfn)) {
      ++hashed_;
      hashes_[pfn] = Hash(pfn);
    }
  }
}

}  // namespace fv::oracle
