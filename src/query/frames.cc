// SPDX-License-Identifier: Apache-2.0
//
// frames: physical memory, by state or one frame with everybody who maps it.
#include <array>

#include "absl/strings/str_cat.h"
#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/query/mappings.h"
#include "src/query/query.h"

namespace fv::query {
namespace {

using inspect::Snapshot;
using proto::FrameState;

constexpr size_t kStates = static_cast<size_t>(FrameState::kZero) + 1;

Listing MappersOf(const Snapshot& snapshot, uint64_t pfn) {
  Listing listing;
  listing.name = "mappers";
  listing.columns = {"task", "address", "rights", "table", "entry"};
  for (const Mapping& mapping : MappingIndex(snapshot).Of(pfn)) {
    const inspect::Vma* vma = VmaAt(*mapping.mm, mapping.address);
    listing.rows.push_back(
        {UserOf(snapshot, *mapping.mm), Hex{mapping.address}, RightsText(mapping, vma),
         std::string(mapping.shared_table ? "shared" : "own"), inspect::PteText(mapping.pte)});
  }
  return listing;
}

Listing ObjectsOf(const Snapshot& snapshot, uint64_t pfn) {
  Listing listing;
  listing.name = "object";
  listing.columns = {"object", "page"};
  for (const inspect::Object& object : snapshot.objects) {
    for (const inspect::ObjectPage& page : object.pages) {
      if (page.pfn == pfn) listing.rows.push_back({Hex{object.address}, page.index});
    }
  }
  return listing;
}

}  // namespace

Answer FrameStates(const Moment& moment) {
  const Snapshot& snapshot = moment.snapshot;
  const uint64_t all = snapshot.ram_bytes >> proto::kPageShift;
  std::array<uint64_t, kStates> counts{};
  // Above the high-water mark nothing was ever used.
  counts[0] = all - std::min<uint64_t>(all, snapshot.frames.size());
  uint64_t unknown = 0;
  for (const proto::FrameRecord& frame : snapshot.frames) {
    const auto state = static_cast<size_t>(frame.state);
    ++(state < kStates ? counts[state] : unknown);
  }
  Answer answer;
  Listing& listing = answer.listings.emplace_back();
  listing.name = "states";
  listing.columns = {"state", "frames", "bytes"};
  for (size_t state = 0; state < kStates; ++state) {
    listing.rows.push_back({std::string(inspect::FrameStateName(static_cast<FrameState>(state))),
                            counts[state], counts[state] << proto::kPageShift});
  }
  if (unknown != 0) answer.notes.push_back(absl::StrCat(unknown, " frames have an unknown state"));
  return answer;
}

absl::StatusOr<Answer> OneFrame(const Moment& moment, uint64_t pfn) {
  const Snapshot& snapshot = moment.snapshot;
  if (pfn >= snapshot.ram_bytes >> proto::kPageShift) {
    return absl::NotFoundError(absl::StrCat("frame ", inspect::Hex(pfn), " is beyond RAM, which ",
                                            "ends with frame ",
                                            inspect::Hex((snapshot.ram_bytes >> 12) - 1)));
  }
  const proto::FrameRecord record = snapshot.Frame(pfn);
  Answer answer;
  answer.listings.push_back({"frame",
                             {"frame", "physical", "state", "refs", "pins", "aux"},
                             {{Hex{pfn}, Hex{pfn << proto::kPageShift},
                               std::string(inspect::FrameStateName(record.state)),
                               uint64_t{record.refs}, uint64_t{record.pins}, Hex{record.aux}}}});
  answer.listings.push_back(MappersOf(snapshot, pfn));
  if (record.state == FrameState::kFile) answer.listings.push_back(ObjectsOf(snapshot, pfn));
  return answer;
}

}  // namespace fv::query
