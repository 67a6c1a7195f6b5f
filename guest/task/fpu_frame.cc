// SPDX-License-Identifier: Apache-2.0
//
// The frame is the program's, so each bit that could make the load fault is refused here; the bytes
// were copied into the kernel before.

#include "guest/task/fpu_frame.h"

#include "guest/lib/string.h"
#include "guest/task/signal_abi.h"

namespace fv::guest {
namespace {

constexpr size_t kMxcsrOffset = 24;
constexpr size_t kMxcsrMaskOffset = 28;
constexpr uint32_t kDefaultMxcsrMask = 0xFFBF;
constexpr size_t kXsaveHeaderBytes = 64;
constexpr uint64_t kX87AndSse = 3;

struct XsaveHeader {
  uint64_t present;    // XSTATE_BV
  uint64_t compacted;  // XCOMP_BV; 0 in the standard form
  uint64_t reserved[6];
};
static_assert(sizeof(XsaveHeader) == kXsaveHeaderBytes);

template <typename T>
T Load(const uint8_t* from) {
  T value;
  memcpy(&value, from, sizeof(value));
  return value;
}

}  // namespace

uint32_t MxcsrMaskOf(const uint8_t* saved_area) {
  const auto mask = Load<uint32_t>(saved_area + kMxcsrMaskOffset);
  return mask == 0 ? kDefaultMxcsrMask : mask;
}

Status CheckFpuFrame(uint8_t* area, size_t bytes, uint64_t xsave_mask, uint32_t mxcsr_mask,
                     uint32_t magic2) {
  if ((Load<uint32_t>(area + kMxcsrOffset) & ~mxcsr_mask) != 0) {
    return Error(EFAULT);
  }
  if (xsave_mask == 0 || bytes < kFxsaveBytes + kXsaveHeaderBytes) {
    return Ok();
  }
  const auto words = Load<FpxSwBytes>(area + kFpSwReservedOffset);
  const bool extended =
      words.magic1 == kFpXstateMagic1 && words.xstate_size == bytes && magic2 == kFpXstateMagic2;
  if (!extended) {
    memset(area + kFxsaveBytes, 0, bytes - kFxsaveBytes);
    memcpy(area + kFxsaveBytes, &kX87AndSse, sizeof(kX87AndSse));
    return Ok();
  }
  const auto header = Load<XsaveHeader>(area + kFxsaveBytes);
  uint64_t reserved = header.compacted;
  for (uint64_t word : header.reserved) {
    reserved |= word;
  }
  return (header.present & ~xsave_mask) != 0 || reserved != 0 ? Status(Error(EFAULT)) : Ok();
}

}  // namespace fv::guest
