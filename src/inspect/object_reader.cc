// SPDX-License-Identifier: Apache-2.0
//
// Memory objects (radix trees of frames) and slab caches.
#include <algorithm>
#include <cstddef>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/structures.h"

namespace fv::inspect {
namespace {

constexpr unsigned kNodeShift = 9;
constexpr uint64_t kNodeEntries = uint64_t{1} << kNodeShift;
using proto::kMaxObjectHeight;

bool IsEntry(uint64_t entry, uint64_t ram_bytes) {
  return (entry & (proto::kPageBytes - 1)) == 1 && entry < ram_bytes;
}

class RadixWalk {
 public:
  RadixWalk(const MemoryReader& memory, Object& object, std::vector<Malformed>& malformed)
      : memory_(memory), object_(object), malformed_(malformed) {}

  void Run() {
    if (object_.record.height > kMaxObjectHeight) {
      malformed_.push_back({Area::kObjects, 0, object_.address,
                            "object " + Hex(object_.address) + " has height " +
                                std::to_string(object_.record.height)});
      return;
    }
    Visit(object_.record.root, object_.record.height, 0);
  }

 private:
  void Visit(uint64_t entry, uint32_t height, uint64_t index) {
    if (entry == 0 || full_) {
      return;
    }
    if (!IsEntry(entry, memory_.ram_bytes())) {
      malformed_.push_back({Area::kObjects, 0, object_.address,
                            "object " + Hex(object_.address) + ", page " + std::to_string(index) +
                                ": " + Hex(entry) + " is not an entry"});
      full_ = malformed_.size() > kMaxComplaints;
      return;
    }
    const uint64_t pfn = entry >> proto::kPageShift;
    if (height == 0) {
      object_.pages.push_back({index, pfn});
      full_ = Full(object_.pages.size());
      return;
    }
    object_.nodes.push_back(pfn);
    full_ = Full(object_.nodes.size());
    for (uint64_t i = 0; i < kNodeEntries; ++i) {
      Visit(memory_.Word((pfn << proto::kPageShift) + 8 * i), height - 1,
            (index << kNodeShift) | i);
    }
  }

  // A tree that names more frames than RAM has names some twice: stop there.
  bool Full(uint64_t count) {
    if (count <= memory_.frames()) {
      return false;
    }
    malformed_.push_back({Area::kObjects, 0, object_.address,
                          "object " + Hex(object_.address) + " names more frames than RAM has"});
    return true;
  }

  static constexpr size_t kMaxComplaints = 1000;

  const MemoryReader& memory_;
  Object& object_;
  std::vector<Malformed>& malformed_;
  bool full_ = false;
};

}  // namespace

void ReadObjectPages(const MemoryReader& memory, Object& object,
                     std::vector<Malformed>& malformed) {
  object.pages.clear();
  object.nodes.clear();
  RadixWalk(memory, object, malformed).Run();
}

std::vector<Object> ReadObjects(const MemoryReader& memory, const proto::ChannelHeader& header,
                                std::vector<Malformed>& malformed) {
  std::vector<Object> objects;
  auto visit = [&](proto::GuestPtr address) {
    Object object;
    object.address = address;
    if (memory.ReadPtr(address, object.record) && object.record.magic == proto::kObjectMagic) {
      objects.push_back(std::move(object));
    } else {
      malformed.push_back({Area::kObjects, 0, address,
                           "object list: " + Hex(address) + " is not an object (wrong magic)"});
    }
  };
  if (auto broken = WalkList(memory, header.objects, offsetof(proto::ObjectRecord, objects),
                             memory.ram_bytes() / sizeof(proto::ObjectRecord), visit)) {
    malformed.push_back({Area::kObjects, 0, broken->address, "object list: " + broken->sentence});
  }
  // All trees together cannot have more nodes than RAM has frames: a hostile guest could otherwise
  // let thousands of objects share one huge tree.
  uint64_t budget = 2 * memory.frames();
  for (Object& object : objects) {
    if (budget == 0) {
      malformed.push_back({Area::kObjects, 0, object.address,
                           "the objects together name more frames than RAM has"});
      break;
    }
    ReadObjectPages(memory, object, malformed);
    budget -= std::min<uint64_t>(budget, object.pages.size() + object.nodes.size());
  }
  return objects;
}

uint64_t LookupObjectPage(const MemoryReader& memory, proto::GuestPtr address, uint64_t index) {
  proto::ObjectRecord record;
  if (!memory.ReadPtr(address, record) || record.magic != proto::kObjectMagic ||
      record.height > kMaxObjectHeight || (index >> (kNodeShift * record.height)) != 0) {
    return 0;
  }
  uint64_t entry = record.root;
  for (uint32_t height = record.height; height > 0; --height) {
    if (!IsEntry(entry, memory.ram_bytes())) {
      return 0;
    }
    const uint64_t slot = (index >> (kNodeShift * (height - 1))) & (kNodeEntries - 1);
    entry = memory.Word((entry & proto::kPteFrameMask) + 8 * slot);
  }
  return IsEntry(entry, memory.ram_bytes()) ? entry >> proto::kPageShift : 0;
}

std::vector<SlabCache> ReadSlabs(const MemoryReader& memory, const proto::ChannelHeader& header,
                                 std::vector<Malformed>& malformed) {
  std::vector<SlabCache> slabs;
  auto visit = [&](proto::GuestPtr address) {
    SlabCache slab;
    slab.address = address;
    if (memory.ReadPtr(address, slab.record) && slab.record.magic == proto::kSlabMagic) {
      slabs.push_back(slab);
    } else {
      malformed.push_back({Area::kSlabs, 0, address,
                           "slab list: " + Hex(address) + " is not a slab cache (wrong magic)"});
    }
  };
  constexpr uint64_t kMaxCaches = 4096;
  if (auto broken = WalkList(memory, header.slab_caches, offsetof(proto::SlabCacheRecord, caches),
                             kMaxCaches, visit)) {
    malformed.push_back({Area::kSlabs, 0, broken->address, "slab list: " + broken->sentence});
  }
  return slabs;
}

}  // namespace fv::inspect
