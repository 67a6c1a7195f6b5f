// SPDX-License-Identifier: Apache-2.0
//
// Walks the kernel's intrusive lists without trusting them. Each node's `prev` must name the node
// the walk came from, which also rules out cycles that miss the head: a node has one `prev`, so it
// is reached once. A count limit bounds the walk all the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proto/records.h"
#include "src/inspect/memory_reader.h"

namespace fv::inspect {

// Where a structure stopped making sense, and how.
struct Broken {
  proto::GuestPtr address;
  std::string sentence;
};

std::string Hex(uint64_t value);

// Calls `visit(address of the object)` for each object whose Link member at `offset` is on the
// list. Returns what is wrong with the list, if anything; the objects before it were visited.
template <typename Visit>
std::optional<Broken> WalkList(const MemoryReader& memory, proto::GuestPtr head, uint64_t offset,
                               uint64_t limit, Visit visit) {
  proto::Link link;
  if (!memory.ReadPtr(head, link)) {
    return Broken{head, "list head " + Hex(head) + " is not an aligned address of guest RAM"};
  }
  const proto::GuestPtr last = link.prev;
  proto::GuestPtr previous = head;
  proto::GuestPtr node = link.next;
  for (uint64_t count = 0; node != head; ++count) {
    if (!memory.ReadPtr(node, link)) {
      return Broken{previous, "link after " + Hex(previous) + " points to " + Hex(node) +
                                  ", which is not an aligned address of guest RAM"};
    }
    if (link.prev != previous) {
      return Broken{node, "link " + Hex(node) + " was reached from " + Hex(previous) +
                              " but its prev is " + Hex(link.prev)};
    }
    if (count >= limit) {
      return Broken{node, "the list has more than " + std::to_string(limit) + " members"};
    }
    visit(node - offset);
    previous = node;
    node = link.next;
  }
  if (last != previous) {
    return Broken{head, "list head " + Hex(head) + " has prev " + Hex(last) +
                            " but the last member is " + Hex(previous)};
  }
  return std::nullopt;
}

}  // namespace fv::inspect
