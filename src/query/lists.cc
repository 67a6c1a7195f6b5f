// SPDX-License-Identifier: Apache-2.0
//
// slabs and events: lists that are shown as they are.
#include <algorithm>
#include <string_view>

#include "src/inspect/render.h"
#include "src/query/query.h"

namespace fv::query {
namespace {

// A name from the guest, cut at its NUL, with everything unprintable replaced.
std::string Printable(std::string_view name) {
  std::string text(name.substr(0, name.find('\0')));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

Answer Slabs(const Moment& moment) {
  Answer answer;
  Listing& listing = answer.listings.emplace_back();
  listing.name = "slabs";
  listing.columns = {"cache", "object_bytes", "active", "slabs", "frames", "allocated_ever"};
  for (const inspect::SlabCache& cache : moment.snapshot.slabs) {
    const proto::SlabCacheRecord& record = cache.record;
    listing.rows.push_back({Printable({record.name, sizeof(record.name)}),
                            uint64_t{record.object_bytes}, record.active_objects, record.slabs,
                            record.frames, record.total_allocated});
  }
  return answer;
}

Answer Events(const Moment& moment, uint64_t count) {
  Answer answer;
  Listing& listing = answer.listings.emplace_back();
  listing.name = "events";
  listing.columns = {"event"};
  const size_t first = moment.events.size() - std::min<size_t>(moment.events.size(), count);
  for (size_t i = first; i < moment.events.size(); ++i) {
    listing.rows.push_back({inspect::EventText(moment.events[i])});
  }
  return answer;
}

}  // namespace fv::query
