// SPDX-License-Identifier: Apache-2.0
//
// find: bytes in the frames in use, and who sees them. A hit lies within one frame.
#include <cstring>

#include "absl/strings/str_cat.h"
#include "src/inspect/render.h"
#include "src/query/mappings.h"
#include "src/query/query.h"

namespace fv::query {
namespace {

constexpr size_t kMostHits = 1000;
constexpr size_t kMappersShown = 3;

std::string SeenBy(const inspect::Snapshot& snapshot, const MappingIndex& index, uint64_t pfn,
                   uint64_t offset) {
  if (index.Count(pfn) == 0) return "-";
  std::string text;
  const std::vector<Mapping> mappings = index.Of(pfn);
  for (size_t i = 0; i < mappings.size() && i < kMappersShown; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", UserOf(snapshot, *mappings[i].mm), " at 0x",
                    absl::Hex(mappings[i].address + offset));
  }
  if (mappings.size() > kMappersShown) {
    absl::StrAppend(&text, " and ", mappings.size() - kMappersShown, " more");
  }
  return text;
}

}  // namespace

Answer Find(const Moment& moment, const std::string& pattern, unsigned step) {
  const inspect::Snapshot& snapshot = moment.snapshot;
  const MappingIndex index(snapshot);
  Answer answer;
  Listing& listing = answer.listings.emplace_back();
  listing.name = "hits";
  listing.columns = {"physical", "frame", "offset", "state", "seen_by"};
  uint64_t words[proto::kPageBytes / 8];
  for (uint64_t pfn = 0; pfn < snapshot.frames.size(); ++pfn) {
    if (!FrameInUse(snapshot, pfn)) continue;
    moment.memory.LoadPage(pfn, words);
    const auto* page = reinterpret_cast<const char*>(words);
    for (uint64_t at = 0; at + pattern.size() <= proto::kPageBytes; at += step) {
      if (std::memcmp(page + at, pattern.data(), pattern.size()) != 0) continue;
      if (listing.rows.size() == kMostHits) {
        answer.notes.push_back(absl::StrCat("only the first ", kMostHits, " hits are shown"));
        return answer;
      }
      listing.rows.push_back({Hex{(pfn << proto::kPageShift) + at}, Hex{pfn}, Hex{at},
                              std::string(inspect::FrameStateName(snapshot.Frame(pfn).state)),
                              SeenBy(snapshot, index, pfn, at)});
    }
  }
  return answer;
}

}  // namespace fv::query
