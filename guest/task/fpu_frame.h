// SPDX-License-Identifier: Apache-2.0
//
// Checks of an FPU save area that a program wrote (rt_sigreturn): what passes can be loaded by
// FXRSTOR or XRSTOR without a fault (Intel SDM volume 1, 13.8.1). Pure: unit tested.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

// Bits of MXCSR that the CPU allows, from an area that the CPU saved.
uint32_t MxcsrMaskOf(const uint8_t* saved_area);
// Makes `area` loadable: without Linux's magic words it counts as the 512 bytes of FXSAVE alone.
// Errors: EFAULT (an XSAVE header or MXCSR that would fault).
Status CheckFpuFrame(uint8_t* area, size_t bytes, uint64_t xsave_mask, uint32_t mxcsr_mask,
                     uint32_t magic2);

}  // namespace fv::guest
