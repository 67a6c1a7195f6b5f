// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests on the sample guest: its entries, frames and words, to look at and to break.
#pragma once

#include <gtest/gtest.h>

#include "src/oracle/testing/sample_guest.h"

namespace fv::oracle::testing {

class SampleGuestTest : public ::testing::Test {
 protected:
  GuestBuilder& g() { return sample_.guest; }
  // An entry that is there.
  proto::Pte* PteAt(GuestPtr mm, uint64_t va) {
    return g().At<proto::Pte>(g().PteGpa(mm, va, GuestBuilder::Tables::kFind));
  }
  // The frame mapped at `va`.
  uint64_t Pfn(GuestPtr mm, uint64_t va) {
    return (g().PeekPte(mm, va) & proto::kPteFrameMask) >> proto::kPageShift;
  }
  uint64_t* FrameWord(uint64_t pfn, unsigned index) {
    return g().At<uint64_t>((pfn << proto::kPageShift) + sizeof(uint64_t) * index);
  }
  // The entry for `va` of the level above the last: it names the page table.
  proto::Pte* TableEntryAt(GuestPtr mm, uint64_t va) {
    uint64_t table = g().Peek<proto::MmRecord>(mm).root_gpa;
    for (unsigned level = proto::kPageTableLevels; level > 2; --level) {
      const uint64_t entry = table + sizeof(proto::Pte) * proto::TableIndex(va, level);
      table = g().Peek<proto::Pte>(proto::DirectMap(entry)) & proto::kPteFrameMask;
    }
    return g().At<proto::Pte>(table + sizeof(proto::Pte) * proto::TableIndex(va, 2));
  }

  SampleGuest sample_;
};

}  // namespace fv::oracle::testing
