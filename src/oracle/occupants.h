// SPDX-License-Identifier: Apache-2.0
//
// Which page of the model each frame holds, as the comparison with the page tables found it: a
// version lives in one frame, and so does a page of an object. Between them the two maps are a
// bijection; a version that died, or a page that its object lost, holds no frame any more.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "proto/records.h"
#include "src/model/world.h"
#include "src/oracle/lazy_array.h"

namespace fv::oracle {

struct Occupant {
  model::VersionId version;  // or
  proto::GuestPtr object;    // with `index`; both 0: nobody
  uint64_t index;
  // The page that may write a version's frame directly, or could until `writer_lost`.
  proto::GuestPtr writer;
  uint64_t writer_page;
  uint32_t writer_lost;  // step; 0: it still can
  uint32_t since;        // step in which it moved in
};

class Occupants {
 public:
  explicit Occupants(uint64_t frames) : frames_(frames), homes_(frames + 1) {}

  void BeginStep() { ++step_; }
  uint32_t step() const { return step_; }

  const Occupant& Of(uint64_t pfn) const { return frames_[pfn]; }
  // The frame of a version or of an object's page; 0: not seen yet.
  uint64_t HomeOf(model::VersionId version) const {
    const Home& home = homes_[model::VersionPool::PlaceOf(version)];
    return home.version == version ? home.pfn : 0;
  }
  uint64_t HomeOf(proto::GuestPtr object, uint64_t index) const {
    const auto at = pages_.find({object, index});
    return at == pages_.end() ? 0 : at->second;
  }
  // Whether somebody of `world` still lives in the frame.
  bool IsTaken(uint64_t pfn, const model::World& world) const {
    const Occupant& occupant = frames_[pfn];
    return occupant.object != 0 || (occupant.version != 0 && world.Alive(occupant.version) &&
                                    HomeOf(occupant.version) == pfn);
  }

  // REQUIRES: !IsTaken(pfn), and the newcomer has no home.
  void MoveIn(uint64_t pfn, model::VersionId version) {
    frames_[pfn] = {version, 0, 0, 0, 0, 0, step_};
    homes_[model::VersionPool::PlaceOf(version)] = {version, pfn};
  }
  void MoveIn(uint64_t pfn, proto::GuestPtr object, uint64_t index) {
    frames_[pfn] = {0, object, index, 0, 0, 0, step_};
    pages_[{object, index}] = pfn;
  }
  // The object lost its pages from `first` on.
  void MoveOut(proto::GuestPtr object, uint64_t first) {
    const auto begin = pages_.lower_bound({object, first});
    auto end = begin;
    for (; end != pages_.end() && end->first.first == object; ++end) {
      frames_[end->second] = {};
    }
    pages_.erase(begin, end);
  }

  // What the page tables say about who writes a version's frame, rights of others aside.
  void SetWriter(uint64_t pfn, proto::GuestPtr mm, uint64_t page) {
    Occupant& occupant = frames_[pfn];
    occupant.writer = mm;
    occupant.writer_page = page;
    occupant.writer_lost = 0;
  }
  void DropWriter(uint64_t pfn, proto::GuestPtr mm, uint64_t page) {
    Occupant& occupant = frames_[pfn];
    if (occupant.writer == mm && occupant.writer_page == page && occupant.writer_lost == 0) {
      occupant.writer_lost = step_;
    }
  }

 private:
  struct Home {
    model::VersionId version;
    uint64_t pfn;
  };
  LazyArray<Occupant> frames_;  // by frame
  LazyArray<Home> homes_;       // by the version's place in the pool
  std::map<std::pair<proto::GuestPtr, uint64_t>, uint64_t> pages_;
  uint32_t step_ = 0;
};

}  // namespace fv::oracle
