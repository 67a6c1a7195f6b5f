// SPDX-License-Identifier: Apache-2.0
//
// remap_file_pages: since Linux 4.0 a mapping of its own for the new pages, over the old place.
#include "guest/mm/mm.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

// Whether [start, end) is covered by `first` and mappings of the same file behind it.
bool IsOneFile(Mm& mm, Vma& first, uint64_t end) {
  for (Vma* vma = &first; vma->end < end;) {
    Vma* next = NextVma(mm, *vma);
    if (next == nullptr || next->start != vma->end || next->object != vma->object ||
        next->flags != first.flags) {
      return false;
    }
    vma = next;
  }
  return true;
}

}  // namespace

Status Mm::RemapFilePages(uint64_t address, uint64_t length, uint64_t page_offset) {
  const uint64_t start = PageDown(address);
  const uint64_t bytes = PageDown(length);
  if (start + bytes <= start || page_offset + (bytes >> proto::kPageShift) < page_offset) {
    return Error(EINVAL);
  }
  Vma* vma = FindVma(start);
  if (vma == nullptr || !vma->is_shared() || !IsOneFile(*this, *vma, start + bytes)) {
    return Error(EINVAL);
  }
  MapRequest request;
  request.address = start;
  request.length = bytes;
  request.flags = vma->flags;
  request.may = vma->may;
  request.placement = MapPlacement::kFixed;
  request.populate = MapPopulate::kYes;
  request.object = Ref<MemoryObject>(*vma->memory_object());
  request.page_offset = page_offset;
  request.source = vma->source();
  // The old mapping may hold the last reference, and goes first.
  if (request.source != nullptr) {
    request.source->AddRef();
  }
  const Result<uint64_t> mapped = Map(request);
  if (request.source != nullptr) {
    request.source->Release();
  }
  return mapped.ok() ? Ok() : Status(mapped.error());
}

}  // namespace fv::guest
