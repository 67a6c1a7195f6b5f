// SPDX-License-Identifier: Apache-2.0
//
// Writes a run's events as text, one line each (src/inspect/render.h), behind the time since the
// first one.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "src/session/session.h"

namespace fv::session {

// Bits of the kinds named in a list like "fork-begin,cow-break" (proto/events.h); "all" is all.
// InvalidArgument names a kind that there is not.
absl::StatusOr<uint64_t> ParseEventKinds(const std::string& names);

class EventWriter final : public Observer {
 public:
  // `file` must outlive the writer. Kinds outside of `mask` are left out.
  EventWriter(std::FILE* file, uint64_t tsc_khz, uint64_t mask)
      : file_(file), ns_per_cycle_(1e6 / static_cast<double>(tsc_khz)), mask_(mask) {}

  void OnEvent(const proto::EventRecord& event) override;

 private:
  std::FILE* file_;
  double ns_per_cycle_;
  uint64_t mask_;
  std::optional<uint64_t> first_tsc_;
};

}  // namespace fv::session
