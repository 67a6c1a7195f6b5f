// SPDX-License-Identifier: Apache-2.0
//
// The firmware's parameters and the descriptors made of segments.
#include "vmm/qemu/firmware.h"

#include <gtest/gtest.h>

#include <cstring>

#include "proto/layout.h"
#include "vmm/error.h"
#include "vmm/qemu/firmware_code.h"

namespace fv::vmm::qemu {
namespace {

constexpr uint64_t kRoot = 0x234000;
constexpr uint64_t kEntry = proto::DirectMap(0x104000);

CpuState SomeState() {
  CpuFeatures features{};
  features.smep = features.smap = features.xsave = true;
  features.xcr0 = 7;
  return InitialCpuState({0, true, kRoot, kEntry}, features, kvm_sregs{});
}

uint64_t Word(const std::vector<uint8_t>& image, size_t offset) {
  uint64_t word;
  std::memcpy(&word, image.data() + offset, sizeof(word));
  return word;
}

TEST(FirmwareTest, DescriptorsLoadTheSegments) {
  const kvm_sregs sregs = SomeState().sregs;
  EXPECT_EQ(DescriptorOf(sregs.cs), 0x00AF'9B00'0000'FFFFu);
  EXPECT_EQ(DescriptorOf(sregs.ss), 0x00CF'9300'0000'FFFFu);
  // The base of the TSS: 0x0000'7000'0010'1800, its upper half in the second word.
  EXPECT_EQ(DescriptorOf(sregs.tr), 0x0000'8B10'1800'0067u);
}

TEST(FirmwareTest, ParametersAreTheState) {
  const CpuState state = SomeState();
  const FirmwarePlan plan{
      .window_entry = 0x235023, .mailbox_gva = 0x0000'7000'1000'0000, .tick_ns = 4'000'000};
  const std::vector<uint8_t> image = MakeFirmware(embedded::QemuFirmware(), state, plan);
  ASSERT_EQ(image.size(), size_t{FV_FIRMWARE_BYTES});
  EXPECT_EQ(Word(image, FV_FW_CR0), state.sregs.cr0);
  EXPECT_EQ(Word(image, FV_FW_CR4), state.sregs.cr4);
  EXPECT_EQ(Word(image, FV_FW_EFER), state.sregs.efer & ~kEferLma);
  EXPECT_EQ(Word(image, FV_FW_XCR0), 7u);
  EXPECT_EQ(Word(image, FV_FW_ENTRY), kEntry);
  EXPECT_EQ(Word(image, FV_FW_RDI), proto::DirectMap(proto::kBootInfoPhys));
  EXPECT_EQ(Word(image, FV_FW_MAILBOX), plan.mailbox_gva);
  EXPECT_EQ(Word(image, FV_FW_TIMER_COUNT), 4772u) << "1193182 Hz * 4 ms";
  EXPECT_EQ(Word(image, FV_FW_MSR_COUNT), state.msrs.size());
  for (size_t i = 0; i < state.msrs.size(); ++i) {
    EXPECT_EQ(Word(image, FV_FW_MSRS + 16 * i), state.msrs[i].index);
    EXPECT_EQ(Word(image, FV_FW_MSRS + 16 * i + 8), state.msrs[i].data);
  }
  EXPECT_EQ(Word(image, FV_FW_ROOT + 8 * size_t{proto::kKernelPml4Slot}), plan.window_entry);
  EXPECT_EQ(image[FV_FIRMWARE_BYTES - 16], 0xE9) << "a jump at the reset vector";
}

TEST(FirmwareTest, TickIsBoundedByTheTimer) {
  const CpuState state = SomeState();
  const auto count = [&](uint64_t tick_ns) {
    return Word(MakeFirmware(embedded::QemuFirmware(), state, {0, 0, tick_ns}), FV_FW_TIMER_COUNT);
  };
  EXPECT_EQ(count(0), 0u);
  EXPECT_EQ(count(50'000), 59u);
  EXPECT_EQ(count(54'900'000), 65505u);
  EXPECT_EQ(count(55'000'000), 65535u);
  EXPECT_EQ(count(~uint64_t{0}), 65535u);
}

TEST(FirmwareTest, RefusesWhatDoesNotFit) {
  CpuState state = SomeState();
  EXPECT_THROW(MakeFirmware(std::vector<uint8_t>(100), state, {}), VmmError);
  state.msrs.resize(FV_FW_MAX_MSRS + 1);
  EXPECT_THROW(MakeFirmware(embedded::QemuFirmware(), state, {}), VmmError);
}

}  // namespace
}  // namespace fv::vmm::qemu
