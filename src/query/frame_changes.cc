// SPDX-License-Identifier: Apache-2.0
#include "src/query/frame_changes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/inspect/render.h"

namespace fv::query {
namespace {

// Bytes of the frame that differ. A frame that was free has no content to compare.
uint64_t ChangedBytes(const Moment& before, const Moment& after, uint64_t pfn) {
  if (!FrameInUse(before.snapshot, pfn) || !FrameInUse(after.snapshot, pfn)) return 0;
  uint64_t old_words[proto::kPageBytes / 8];
  uint64_t new_words[proto::kPageBytes / 8];
  before.memory.LoadPage(pfn, old_words);
  after.memory.LoadPage(pfn, new_words);
  const auto* old_bytes = reinterpret_cast<const uint8_t*>(old_words);
  const auto* new_bytes = reinterpret_cast<const uint8_t*>(new_words);
  uint64_t changed = 0;
  for (uint64_t i = 0; i < proto::kPageBytes; ++i) changed += old_bytes[i] != new_bytes[i];
  return changed;
}

std::string RecordChange(const proto::FrameRecord& before, const proto::FrameRecord& after) {
  std::string text;
  if (before.state != after.state) {
    text = absl::StrCat(inspect::FrameStateName(before.state), " -> ",
                        inspect::FrameStateName(after.state));
  } else {
    text = inspect::FrameStateName(after.state);
  }
  if (before.refs != after.refs) {
    absl::StrAppend(&text, ", refs ", before.refs, " -> ", after.refs);
  }
  return text;
}

}  // namespace

Listing FrameChanges(const Moment& before, const Moment& after) {
  Listing listing{"frames", {"first_frame", "frames", "change", "bytes_changed"}, {}};
  const uint64_t frames = std::max(before.snapshot.frames.size(), after.snapshot.frames.size());
  const bool with_bytes = before.contents == Contents::kAll && after.contents == Contents::kAll;
  uint64_t next = 0;  // the frame that would go on with the last row
  for (uint64_t pfn = 0; pfn < frames; ++pfn) {
    const proto::FrameRecord was = before.snapshot.Frame(pfn);
    const proto::FrameRecord is = after.snapshot.Frame(pfn);
    const uint64_t bytes = with_bytes ? ChangedBytes(before, after, pfn) : 0;
    const bool moved = was.state != is.state || was.refs != is.refs;
    if (!moved && bytes == 0) continue;
    std::string change = RecordChange(was, is);
    const bool goes_on = !listing.rows.empty() && next == pfn &&
                         std::get<std::string>(listing.rows.back()[2]) == change;
    next = pfn + 1;
    if (goes_on) {
      ++std::get<uint64_t>(listing.rows.back()[1]);
      if (with_bytes) std::get<uint64_t>(listing.rows.back()[3]) += bytes;
    } else {
      listing.rows.push_back(
          {Hex{pfn}, uint64_t{1}, std::move(change), with_bytes ? Cell(bytes) : Cell()});
    }
  }
  return listing;
}

}  // namespace fv::query
