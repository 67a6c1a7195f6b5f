// SPDX-License-Identifier: Apache-2.0
//
// Text of events.
#include "src/session/event_writer.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/inspect/render.h"

namespace fv::session {
namespace {

constexpr auto kKinds = static_cast<unsigned>(proto::EventKind::kCount);

}  // namespace

absl::StatusOr<uint64_t> ParseEventKinds(const std::string& names) {
  constexpr uint64_t kAll = (uint64_t{1} << kKinds) - 1;
  uint64_t mask = 0;
  for (absl::string_view name : absl::StrSplit(names, ',')) {
    const auto kind = inspect::EventKindNamed({name.data(), name.size()});
    if (!kind && name != "all") {
      return absl::InvalidArgumentError(absl::StrCat("no event is called ", name));
    }
    mask |= kind ? uint64_t{1} << static_cast<unsigned>(*kind) : kAll;
  }
  return mask;
}

void EventWriter::OnEvent(const proto::EventRecord& event) {
  const auto kind = static_cast<unsigned>(event.kind);
  if (kind < kKinds && (mask_ >> kind & 1) == 0) return;
  if (!first_tsc_) first_tsc_ = event.tsc;
  const double ns = static_cast<double>(event.tsc - *first_tsc_) * ns_per_cycle_;
  std::fprintf(file_, "%12.3f us %s\n", ns / 1000, inspect::EventText(event).c_str());
}

}  // namespace fv::session
