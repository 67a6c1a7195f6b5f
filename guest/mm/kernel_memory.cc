// SPDX-License-Identifier: Apache-2.0
//
// Memory of variable size for the kernel: eight size classes of slabs up to 2 KiB, whole blocks of
// frames above.
#include "guest/lib/print.h"
#include "guest/lib/sanitize.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"
#include "guest/mm/slab.h"

namespace fv::guest {
namespace {

constexpr size_t kSmallest = 16;
constexpr size_t kLargest = 2048;

constinit SlabCacheBase size_classes[] = {
    {"size-16", 16, 16},   {"size-32", 32, 16},   {"size-64", 64, 16},     {"size-128", 128, 16},
    {"size-256", 256, 16}, {"size-512", 512, 16}, {"size-1024", 1024, 16}, {"size-2048", 2048, 16},
};

SlabCacheBase& ClassFor(size_t bytes) {
  unsigned index = 0;
  for (size_t size = kSmallest; size < bytes; size *= 2) {
    ++index;
  }
  return size_classes[index];
}

unsigned OrderFor(size_t bytes) {
  unsigned order = 0;
  while ((proto::kPageBytes << order) < bytes) {
    ++order;
  }
  return order;
}

}  // namespace

void* KernelAllocate(size_t bytes) {
  FV_CHECK(bytes > 0);
  if (bytes <= kLargest) {
    SlabCacheBase& cache = ClassFor(bytes);
    void* memory = cache.AllocateObject();
    sanitize::OnObjectTrimmed(memory, bytes, cache.payload());
    return memory;
  }
  if (bytes > proto::kPageBytes << kMaxOrder) {
    return nullptr;
  }
  const unsigned order = OrderFor(bytes);
  const Result<uint64_t> pfn = AllocateFrames(order, proto::FrameState::kKernel);
  if (!pfn.ok()) {
    return nullptr;
  }
  sanitize::OnBlockAllocated(FrameData(pfn.value()), bytes, proto::kPageBytes << order);
  return FrameData(pfn.value());
}

void* KernelAllocateZeroed(size_t bytes) {
  void* memory = KernelAllocate(bytes);
  if (memory != nullptr) {
    memset(memory, 0, bytes);
  }
  return memory;
}

void KernelFree(void* memory, size_t bytes) {
  if (memory == nullptr) {
    return;
  }
  if (bytes <= kLargest) {
    ClassFor(bytes).FreeObject(memory);
  } else {
    FreeFrames(PfnOfPointer(memory), OrderFor(bytes));
  }
}

}  // namespace fv::guest
