// SPDX-License-Identifier: Apache-2.0
//
// Two rows of a table.
#include "vmm/qemu/cpu_model.h"

namespace fv::vmm::qemu {
namespace {

constexpr uint64_t kXcr0X87SseAvx = 7;
// 512 bytes of x87 and SSE, 64 of header, 256 of upper AVX halves (Intel SDM volume 1, 13.4).
constexpr uint64_t kXsaveBytes = 512 + 64 + 256;

}  // namespace

std::string CpuArgument(CpuModel model) {
  // No nested virtualization, no local APIC: the interrupt controller is wired to the CPU.
  std::string argument = "qemu64,enforce,-svm,-apic";
  if (model == CpuModel::kFull) {
    argument +=
        ",+smep,+smap,+fsgsbase,+xsave,+xsaveopt,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,"
        "+avx2,+bmi1,+bmi2,+movbe,+rdtscp";
  }
  return argument;
}

CpuFeatures FeaturesOf(CpuModel model) {
  CpuFeatures features{};
  features.long_mode = true;
  if (model == CpuModel::kPlain) return features;
  features.fsgsbase = features.smep = features.smap = features.xsave = true;
  features.xcr0 = kXcr0X87SseAvx;
  features.xsave_bytes = kXsaveBytes;
  return features;
}

}  // namespace fv::vmm::qemu
