// SPDX-License-Identifier: Apache-2.0
//
// A bump allocator of table pages and three loops.
#include "vmm/boot_tables.h"

#include "proto/layout.h"
#include "proto/pte.h"

namespace fv::vmm {
namespace {

using proto::kEntriesPerTable;
using proto::kHugePageBytes;
using proto::kPageBytes;
using proto::Pte;

class Builder {
 public:
  Builder(GuestMemory& memory, uint64_t start_gpa, unsigned ring)
      : memory_(memory),
        next_gpa_(start_gpa),
        user_(ring == 3 ? proto::kPteUser : 0),
        global_(ring == 0 ? proto::kPteGlobal : 0) {
    root_gpa_ = NewTable();
  }

  // Maps `gpa` at its direct-map address by a page of `level` (1 = 4 KiB, 2 = 2 MiB).
  void Map(uint64_t gpa, unsigned level, Pte permissions) {
    const uint64_t gva = proto::DirectMap(gpa);
    Pte* entry = &Table(root_gpa_)[proto::TableIndex(gva, proto::kPageTableLevels)];
    for (unsigned above = proto::kPageTableLevels; above > level; --above) {
      if (*entry == 0) *entry = NewTable() | kTableBits | user_;
      entry = &Table(*entry & proto::kPteFrameMask)[proto::TableIndex(gva, above - 1)];
    }
    const Pte size = level == 2 ? proto::kPteHuge : 0;
    *entry = gpa | kLeafBits | user_ | global_ | size | permissions;
  }

  BootTables result() const { return {root_gpa_, next_gpa_}; }

 private:
  static constexpr Pte kTableBits = proto::kPtePresent | proto::kPteWritable | proto::kPteAccessed;
  static constexpr Pte kLeafBits = proto::kPtePresent | proto::kPteAccessed | proto::kPteDirty;

  uint64_t NewTable() {
    const uint64_t gpa = next_gpa_;
    memory_.Span(gpa, kPageBytes);  // throws when RAM is exhausted
    next_gpa_ += kPageBytes;
    return gpa;
  }
  Pte* Table(uint64_t gpa) {
    static_assert(kEntriesPerTable * sizeof(Pte) == kPageBytes);
    return static_cast<Pte*>(static_cast<void*>(memory_.Span(gpa, kPageBytes).data()));
  }

  GuestMemory& memory_;
  uint64_t root_gpa_ = 0;
  uint64_t next_gpa_;
  Pte user_;
  Pte global_;
};

constexpr Pte kReadWrite = proto::kPteWritable | proto::kPteNoExecute;

Pte PermissionsOf(const ImageSegment& segment) {
  return (segment.writable ? proto::kPteWritable : 0) |
         (segment.executable ? 0 : proto::kPteNoExecute);
}

// Pages of [0, end): the image's by segment, the others read-write.
void MapSmallPages(Builder& builder, const LoadedImage& image, uint64_t end) {
  size_t next_segment = 0;
  for (uint64_t gpa = kPageBytes; gpa < end; gpa += kPageBytes) {
    while (next_segment < image.segments.size() &&
           gpa >= image.segments[next_segment].gpa + image.segments[next_segment].bytes) {
      ++next_segment;
    }
    const bool in_segment =
        next_segment < image.segments.size() && gpa >= image.segments[next_segment].gpa;
    builder.Map(gpa, 1, in_segment ? PermissionsOf(image.segments[next_segment]) : kReadWrite);
  }
}

}  // namespace

BootTables BuildBootTables(GuestMemory& memory, const LoadedImage& image, uint64_t start_gpa,
                           unsigned ring) {
  Builder builder(memory, start_gpa, ring);
  const uint64_t small_end = (image.end_gpa + kHugePageBytes - 1) & ~(kHugePageBytes - 1);
  MapSmallPages(builder, image, small_end);
  for (uint64_t gpa = small_end; gpa < memory.size(); gpa += kHugePageBytes) {
    builder.Map(gpa, 2, kReadWrite);
  }
  builder.Map(proto::DoorbellPhys(memory.size()), 1, kReadWrite);
  return builder.result();
}

}  // namespace fv::vmm
