// SPDX-License-Identifier: Apache-2.0
//
// maps: the mappings of an address space, and what of each is there.
#include "absl/strings/str_cat.h"
#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/query/mappings.h"
#include "src/query/query.h"

namespace fv::query {
namespace {

using inspect::Mm;
using inspect::Vma;

struct Pages {
  uint64_t present = 0;
  uint64_t cow = 0;        // a write would copy, or take the frame over
  uint64_t exclusive = 0;  // private, and mapped nowhere else
  uint64_t zero = 0;
  uint64_t dirty = 0;
};

void CountPage(const MappingIndex& index, const Mapping& mapping, Pages& pages) {
  if (!inspect::Present(mapping.pte)) return;
  ++pages.present;
  pages.cow += (mapping.pte & proto::kPteCow) != 0;
  pages.exclusive += index.IsExclusive(mapping);
  pages.zero += (mapping.pte & proto::kPteZero) != 0;
  pages.dirty += (mapping.pte & proto::kPteDirty) != 0;
}

std::string What(const Moment& moment, const Vma& vma) {
  if ((vma.record.flags & proto::kVmHeap) != 0) return "[heap]";
  if ((vma.record.flags & proto::kVmStack) != 0) return "[stack]";
  if (vma.record.object == 0) return "anonymous";
  const std::string path = PathOf(moment, vma);
  return path.empty() ? "object " + inspect::Hex(vma.record.object) : path;
}

}  // namespace

absl::StatusOr<Answer> Maps(const Moment& moment, uint32_t pid) {
  const inspect::Snapshot& snapshot = moment.snapshot;
  const Mm* mm = MmOfPid(snapshot, pid);
  if (mm == nullptr) return absl::NotFoundError(absl::StrCat("no address space of task ", pid));
  const MappingIndex index(snapshot);
  std::vector<Pages> pages(mm->vmas.size());
  Answer answer;
  ForEachMapping(snapshot, *mm, [&](const Mapping& mapping) {
    const Vma* vma = VmaAt(*mm, mapping.address);
    if (vma != nullptr) CountPage(index, mapping, pages[vma - mm->vmas.data()]);
  });
  Listing& listing = answer.listings.emplace_back();
  listing.name = "mappings";
  listing.columns = {"start", "end",       "rights", "page_offset", "pages", "present",
                     "cow",   "exclusive", "zero",   "dirty",       "what"};
  for (size_t i = 0; i < mm->vmas.size(); ++i) {
    const proto::VmaRecord& record = mm->vmas[i].record;
    listing.rows.push_back({Hex{record.start}, Hex{record.end}, inspect::VmaFlagsText(record.flags),
                            Hex{record.page_offset},
                            (record.end - record.start) >> proto::kPageShift, pages[i].present,
                            pages[i].cow, pages[i].exclusive, pages[i].zero, pages[i].dirty,
                            What(moment, mm->vmas[i])});
  }
  return answer;
}

}  // namespace fv::query
