// SPDX-License-Identifier: Apache-2.0
//
// Address spaces: the list of them, and each one's VMAs by list and by search tree.
#include <cstddef>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/structures.h"

namespace fv::inspect {
namespace {

// In-order walk of the search tree. Each child must name its parent, so a node is reached from one
// place only and the walk ends.
class TreeWalk {
 public:
  TreeWalk(const MemoryReader& memory, Mm& mm, std::vector<Malformed>& malformed)
      : memory_(memory), mm_(mm), malformed_(malformed) {}

  void Run() {
    const uint64_t limit = memory_.ram_bytes() / sizeof(proto::VmaRecord);
    Descend(mm_.record.vma_root, 0);
    while (!stack_.empty() && !failed_) {
      const Node node = stack_.back();
      stack_.pop_back();
      mm_.tree.push_back(node.address);
      if (mm_.tree.size() > limit) {
        Fail(node.address, "has more nodes than RAM can hold");
        return;
      }
      Descend(node.right, node.address);
    }
  }

 private:
  struct Node {
    proto::GuestPtr address;
    proto::GuestPtr right;
  };

  void Fail(proto::GuestPtr at, const std::string& what) {
    failed_ = true;
    malformed_.push_back({Area::kVmas, mm_.address, at, "VMA tree: " + Hex(at) + " " + what});
  }

  // Pushes `node` and all its left descendants.
  void Descend(proto::GuestPtr node, proto::GuestPtr parent) {
    while (node != 0) {
      proto::VmaRecord vma;
      if (!memory_.ReadPtr(node, vma) || vma.magic != proto::kVmaMagic) {
        return Fail(node, "is not a VMA");
      }
      if (vma.parent != parent) {
        return Fail(node,
                    "was reached from " + Hex(parent) + " but its parent is " + Hex(vma.parent));
      }
      if (vma.left != 0 && vma.left == vma.right) {
        return Fail(node, "has the same node on both sides");
      }
      stack_.push_back({node, vma.right});
      parent = node;
      node = vma.left;
    }
  }

  const MemoryReader& memory_;
  Mm& mm_;
  std::vector<Malformed>& malformed_;
  std::vector<Node> stack_;
  bool failed_ = false;
};

}  // namespace

std::vector<Mm> ReadMms(const MemoryReader& memory, const proto::ChannelHeader& header,
                        std::vector<Malformed>& malformed) {
  std::vector<Mm> mms;
  auto visit = [&](proto::GuestPtr address) {
    Mm mm;
    mm.address = address;
    if (memory.ReadPtr(address, mm.record) && mm.record.magic == proto::kMmMagic) {
      mms.push_back(std::move(mm));
    } else {
      malformed.push_back({Area::kMms, 0, address,
                           "mm list: " + Hex(address) + " is not an address space (wrong magic)"});
    }
  };
  if (auto broken = WalkList(memory, header.mms, offsetof(proto::MmRecord, mms),
                             memory.ram_bytes() / sizeof(proto::MmRecord), visit)) {
    malformed.push_back({Area::kMms, 0, broken->address, "mm list: " + broken->sentence});
  }
  return mms;
}

void ReadVmas(const MemoryReader& memory, Mm& mm, std::vector<Malformed>& malformed) {
  mm.vmas.clear();
  mm.tree.clear();
  auto visit = [&](proto::GuestPtr address) {
    Vma vma;
    vma.address = address;
    if (memory.ReadPtr(address, vma.record) && vma.record.magic == proto::kVmaMagic) {
      mm.vmas.push_back(vma);
    } else {
      malformed.push_back({Area::kVmas, mm.address, address,
                           "VMA list: " + Hex(address) + " is not a VMA (wrong magic)"});
    }
  };
  if (auto broken = WalkList(memory, mm.address + offsetof(proto::MmRecord, vmas),
                             offsetof(proto::VmaRecord, list),
                             memory.ram_bytes() / sizeof(proto::VmaRecord), visit)) {
    malformed.push_back(
        {Area::kVmas, mm.address, broken->address, "VMA list: " + broken->sentence});
  }
  TreeWalk(memory, mm, malformed).Run();
}

}  // namespace fv::inspect
