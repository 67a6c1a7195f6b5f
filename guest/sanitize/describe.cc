// SPDX-License-Identifier: Apache-2.0
//
// See describe.h. Runs in a kernel whose memory may be damaged: pointers are looked at first.
#include "guest/sanitize/describe.h"

#include "guest/introspect/introspect.h"
#include "guest/lib/print.h"
#include "guest/mm/frames.h"
#include "guest/sanitize/globals.h"
#include "guest/sanitize/shadow.h"

namespace fv::guest::sanitize {
namespace {

using proto::FrameState;

const char* NameOf(FrameState state) {
  switch (state) {
    case FrameState::kFree:
      return "free";
    case FrameState::kReserved:
      return "reserved";
    case FrameState::kPageTable:
      return "page table";
    case FrameState::kSlab:
      return "slab";
    case FrameState::kKernelStack:
      return "kernel stack";
    case FrameState::kKernel:
      return "kernel memory";
    case FrameState::kAnon:
      return "anonymous page";
    case FrameState::kFile:
      return "file page";
    case FrameState::kZero:
      return "zero page";
  }
  return "?";
}

template <typename... Args>
void SetPlace(Description& what, const char* format, Args... args) {
  Format(what.place, sizeof(what.place), format, args...);
}

// The bytes from `start` on that may be accessed, at most `most`.
size_t AccessibleFrom(uint64_t start, size_t most) {
  const uint64_t end = FirstPoisoned(start, most);
  return end == 0 ? most : end - start;
}

void DescribeObject(Description& what, uint64_t address, uint8_t shadow) {
  const proto::FrameRecord& frame = FrameOf((address - proto::kKernelBase) >> proto::kPageShift);
  if (frame.state != FrameState::kSlab || !HasShadow(frame.aux)) {
    return;
  }
  const auto& cache = *static_cast<const SlabCacheBase*>(
      reinterpret_cast<const proto::SlabCacheRecord*>(frame.aux));
  const uint64_t stride = cache.object_bytes;
  if (cache.magic != proto::kSlabMagic || stride < sizeof(ObjectNotes)) {
    return;
  }
  const uint64_t slab = address & ~(SlabBytes(cache.object_bytes) - 1);
  const uint64_t first = slab + kFirstObject;
  const uint64_t index = address < first ? 0 : (address - first) / stride;
  const uint64_t object = first + index * stride;
  if (address < first || index >= cache.objects_per_slab) {
    SetPlace(what, "outside of the objects of a %s slab", cache.name);
    return;
  }
  const bool freed = shadow == kFreedObject;
  SetPlace(what, "byte %lu of a %s%s of %lu", address - object, freed ? "freed " : "", cache.name,
           freed ? cache.payload().bytes() : AccessibleFrom(object, cache.payload().bytes()));
  if (shadow != kNeverAllocated) {
    const ObjectNotes& notes = NotesOf(reinterpret_cast<void*>(object), stride);
    what.allocated = notes.allocated;
    what.freed = freed ? notes.freed : Site{};
  }
}

void DescribeFrame(Description& what, uint64_t address) {
  const uint64_t pfn = (address - proto::kKernelBase) >> proto::kPageShift;
  const FrameNotes& notes = NotesOfFrame(pfn);
  SetPlace(what, "byte %lu of freed frame %lx, was %s", address % proto::kPageBytes, pfn,
           NameOf(notes.before));
  what.freed = notes.freed;
}

// Without its namespaces.
const char* LastName(const char* name) {
  const char* last = name;
  for (const char* at = name; *at != '\0'; ++at) {
    last = *at == ':' ? at + 1 : last;
  }
  return last;
}

void DescribeGlobal(Description& what, uint64_t address) {
  const Global* global = FindGlobal(address);
  if (global != nullptr) {
    SetPlace(what, "byte %lu of %.40s of %lu", address - global->start, LastName(global->name),
             global->bytes);
  }
}

// A frame with redzones begins with this, the text and the function's address (LLVM 14).
struct StackFrame {
  uint64_t magic;
  const char* variables;  // "COUNT OFFSET SIZE LENGTH NAME OFFSET SIZE LENGTH NAME..."
  uint64_t function;
};
constexpr uint64_t kStackFrameMagic = 0x41B58AB3;

uint64_t NextNumber(const char*& at) {
  uint64_t value = 0;
  for (; *at >= '0' && *at <= '9'; ++at) {
    value = value * 10 + static_cast<uint64_t>(*at - '0');
  }
  at += *at == ' ' ? 1 : 0;
  return value;
}

// "name", "name:LINE" or, in a function that was inlined, "name.i:LINE".
int NameLength(const char* name, uint64_t most) {
  uint64_t length = 0;
  while (length < most && name[length] != ':' && name[length] != '.') {
    ++length;
  }
  return static_cast<int>(length);
}

// The last variable that begins at or below `offset`.
void DescribeVariable(Description& what, const char* variables, uint64_t offset) {
  const char* at = variables;
  const uint64_t count = NextNumber(at);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t start = NextNumber(at);
    const uint64_t bytes = NextNumber(at);
    const uint64_t length = NextNumber(at);
    if (i == 0 || start <= offset) {
      SetPlace(what, "byte %ld of %.*s of %lu", static_cast<long>(offset - start),
               NameLength(at, length), at, bytes);
    }
    at += length;
    at += *at == ' ' ? 1 : 0;
  }
}

void DescribeStack(Description& what, uint64_t address) {
  const uint64_t base = address & ~(proto::kKernelStackBytes - 1);
  uint64_t at = address & ~(kGranule - 1);
  while (at > base && *ShadowOf(at) != kStackLeft) {
    at -= kGranule;
  }
  while (at > base && *ShadowOf(at - kGranule) == kStackLeft) {
    at -= kGranule;
  }
  const auto& frame = *reinterpret_cast<const StackFrame*>(at);
  if (at > base && frame.magic == kStackFrameMagic) {
    DescribeVariable(what, frame.variables, address - at);
  }
}

void DescribeOutside(Description& what, uint64_t address) {
  if (address < proto::kPageBytes) {
    what.kind = "null-dereference";
  } else if (address < proto::kUserEnd) {
    what.kind = "user-memory-access";
  } else if (proto::InDirectMap(address, Boot().ram_bytes)) {
    what.kind = "unused-frame-access";
  } else {
    what.kind = "wild-access";
  }
}

}  // namespace

Description Describe(uint64_t address) {
  Description what;
  if (!HasShadow(address)) {
    DescribeOutside(what, address);
    return what;
  }
  uint8_t shadow = *ShadowOf(address);
  if (shadow != 0 && shadow < kGranule) {
    const uint8_t next = *ShadowOf(address + kGranule);
    shadow = next >= kGranule ? next : uint8_t{kObjectEnd};
  }
  switch (shadow) {
    case kStackLeft:
    case kStackMiddle:
    case kStackRight:
      what.kind = "stack-out-of-bounds";
      DescribeStack(what, address);
      break;
    case kAfterScope:
      what.kind = "stack-use-after-scope";
      DescribeStack(what, address);
      break;
    case kStackEnd:
      what.kind = "stack-overflow";
      break;
    case kGlobalRedzone:
      what.kind = "global-out-of-bounds";
      DescribeGlobal(what, address);
      break;
    case kFreedObject:
      what.kind = "slab-use-after-free";
      DescribeObject(what, address, shadow);
      break;
    case kNeverAllocated:
    case kObjectEnd:
      what.kind = "slab-out-of-bounds";
      DescribeObject(what, address, shadow);
      break;
    case kBlockEnd:
      what.kind = "block-out-of-bounds";
      break;
    case kFreedFrame:
      what.kind = "frame-use-after-free";
      DescribeFrame(what, address);
      break;
    default:
      what.kind = "bad-access";
      break;
  }
  return what;
}

void AddSite(Text& text, const char* name, const Site& site) {
  if (site.callers[0] == 0) {
    return;
  }
  text.Add("; %s %u", name, site.pid);
  for (const uint32_t caller : site.callers) {
    if (caller != 0) {
      text.Add(" %x", caller);
    }
  }
}

}  // namespace fv::guest::sanitize
