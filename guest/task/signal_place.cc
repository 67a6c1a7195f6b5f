// SPDX-License-Identifier: Apache-2.0
//
// Where a handler's frame lies below `sp`: the FPU area on 64 bytes, as XSAVE wants it, then the
// frame where a called function expects its return address (System V ABI, 3.2.2).

#include "guest/task/signal_frame.h"

namespace fv::guest {

SignalFramePlace PlaceSignalFrame(uint64_t sp, uint64_t fpu_bytes) {
  SignalFramePlace place;
  place.fpu = (sp - fpu_bytes) & ~uint64_t{63};
  place.frame = ((place.fpu - sizeof(RtSigFrame)) & ~uint64_t{15}) - 8;
  return place;
}

}  // namespace fv::guest
