// SPDX-License-Identifier: Apache-2.0
//
// The CPUs that we ask QEMU for. A model is a name for QEMU and the features that it has beyond
// x86-64's baseline; QEMU refuses to start ("enforce") if it lacks one of them, so the two agree.
#pragma once

#include <string>

#include "vmm/cpuid.h"

namespace fv::vmm::qemu {

enum class CpuModel {
  kFull,   // SMEP, SMAP, FSGSBASE, XSAVE with AVX
  kPlain,  // x86-64 as of 2003: FS and GS bases by MSR, FXSAVE
};

// The value of QEMU's -cpu.
std::string CpuArgument(CpuModel model);
CpuFeatures FeaturesOf(CpuModel model);

}  // namespace fv::vmm::qemu
