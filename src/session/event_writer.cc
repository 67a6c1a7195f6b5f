// SPDX-License-Identifier: Apache-2.0
//
// Text of events.
#include "src/session/event_writer.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/inspect/render.h"

namespace fv::session {
namespace {

constexpr std::array<const char*, static_cast<size_t>(proto::EventKind::kCount)> kNames = {
#define FV_X(name, text, ...) text,
    FV_EVENT_KINDS(FV_X)
#undef FV_X
};

}  // namespace

absl::StatusOr<uint64_t> ParseEventKinds(const std::string& names) {
  constexpr uint64_t kAll = (uint64_t{1} << kNames.size()) - 1;
  uint64_t mask = 0;
  for (absl::string_view name : absl::StrSplit(names, ',')) {
    uint64_t bit = name == "all" ? kAll : 0;
    for (size_t i = 0; i < kNames.size(); ++i) {
      if (name == kNames[i]) bit = uint64_t{1} << i;
    }
    if (bit == 0) return absl::InvalidArgumentError(absl::StrCat("no event is called ", name));
    mask |= bit;
  }
  return mask;
}

void EventWriter::OnEvent(const proto::EventRecord& event) {
  const auto kind = static_cast<unsigned>(event.kind);
  if (kind < kNames.size() && (mask_ >> kind & 1) == 0) return;
  if (!first_tsc_) first_tsc_ = event.tsc;
  const double ns = static_cast<double>(event.tsc - *first_tsc_) * ns_per_cycle_;
  std::fprintf(file_, "%12.3f us %s\n", ns / 1000, inspect::EventText(event).c_str());
}

}  // namespace fv::session
