// SPDX-License-Identifier: Apache-2.0
//
// The si_code of a floating-point fault, from the FXSAVE image (sigaction(2), FPE_*; Intel SDM
// volume 1, 8.1.3 and 10.2.3). Pure.
#pragma once

#include <cstdint>

#include "guest/lib/string.h"

namespace fv::guest {

// `raised`: exception bits that are set and not masked, in the x87 order (invalid, denormal,
// divide, overflow, underflow, precision).
constexpr int FpeCodeOf(uint32_t raised) {
  constexpr int kFltDiv = 3, kFltOvf = 4, kFltUnd = 5, kFltRes = 6, kFltInv = 7;
  if ((raised & 0x01) != 0) {
    return kFltInv;
  }
  if ((raised & 0x04) != 0) {
    return kFltDiv;
  }
  if ((raised & 0x08) != 0) {
    return kFltOvf;
  }
  if ((raised & 0x12) != 0) {
    return kFltUnd;
  }
  return (raised & 0x20) != 0 ? kFltRes : 0;
}

inline int X87FaultCode(const uint8_t* fxsave) {
  uint16_t control;
  uint16_t status;
  memcpy(&control, fxsave, sizeof(control));
  memcpy(&status, fxsave + 2, sizeof(status));
  return FpeCodeOf(status & ~uint32_t{control} & 0x3F);
}

inline int SimdFaultCode(const uint8_t* fxsave) {
  uint32_t mxcsr;
  memcpy(&mxcsr, fxsave + 24, sizeof(mxcsr));
  return FpeCodeOf(mxcsr & ~(mxcsr >> 7) & 0x3F);
}

}  // namespace fv::guest
