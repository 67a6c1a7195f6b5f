// SPDX-License-Identifier: Apache-2.0
//
// A ChromeTrace as an observer of a run.
#pragma once

#include "src/export/chrome_trace.h"
#include "src/session/session.h"

namespace fv::exports {

class TraceObserver final : public session::Observer {
 public:
  TraceObserver(std::FILE* file, uint64_t tsc_khz, std::string program)
      : trace_(file, tsc_khz, std::move(program)) {}

  void OnEvent(const proto::EventRecord& event) override {
    if (event.kind < proto::EventKind::kCount &&
        (ChromeTrace::Kinds() & proto::EventBit(event.kind)) != 0) {
      trace_.Add(event);
    }
  }

 private:
  ChromeTrace trace_;
};

}  // namespace fv::exports
