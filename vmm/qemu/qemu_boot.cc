// SPDX-License-Identifier: Apache-2.0
//
// The same boot block and the same initial state as with KVM; what differs is who loads it.
#include "vmm/qemu/qemu_boot.h"

#include "proto/channel.h"
#include "proto/layout.h"
#include "vmm/cpu_state.h"
#include "vmm/memory_file.h"
#include "vmm/qemu/firmware.h"
#include "vmm/qemu/firmware_code.h"
#include "vmm/qemu/qemu_process.h"

namespace fv::vmm::qemu {
namespace {

constexpr uint8_t kTypeAvailableTss = 9;

BootFacts Facts(const MachineConfig& config, const CpuFeatures& features, uint64_t tsc_khz) {
  BootFacts facts{};
  facts.ring = 0;
  facts.extra_flags = proto::kBootPolledDoorbell | proto::kBootSysret;
  if (features.fsgsbase) facts.extra_flags |= proto::kBootFsgsbase;
  if (!features.xsave) facts.extra_flags |= proto::kBootFxsaveOnly;
  facts.time.tsc_khz = tsc_khz;
  facts.xsave_mask = features.xcr0;
  facts.xsave_bytes = features.xsave_bytes;
  facts.random_seed = SeedOf(config);
  return facts;
}

void PutDescriptor(GuestMemory& memory, const kvm_segment& segment) {
  const uint64_t gpa = proto::kStubGdtPhys + (segment.selector & ~uint64_t{7});
  (void)memory.Store(gpa, DescriptorOf(segment));
  if (segment.s == 0) (void)memory.Store(gpa + 8, uint64_t{segment.base} >> 32);
}

std::string FdPath(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

}  // namespace

QemuBoot PrepareBoot(GuestMemory& memory, const MachineConfig& config, CpuModel cpu,
                     uint64_t tsc_khz) {
  const CpuFeatures features = FeaturesOf(cpu);
  const BootBlock block = WriteBootBlock(memory, config, Facts(config, features, tsc_khz));
  const CpuPlan plan{0, features.xsave, block.info.kernel_root_gpa, block.entry_gva};
  const CpuState state = InitialCpuState(plan, features, kvm_sregs{});

  PutDescriptor(memory, state.sregs.cs);
  PutDescriptor(memory, state.sregs.ss);
  kvm_segment task = state.sregs.tr;
  task.type = kTypeAvailableTss;  // LTR makes it busy
  PutDescriptor(memory, task);

  const uint64_t entry = proto::kKernelPml4Slot * sizeof(uint64_t);
  const FirmwarePlan firmware{
      .window_entry = memory.Load<uint64_t>(block.info.kernel_root_gpa + entry).value_or(0),
      .mailbox_gva = proto::DirectMap(proto::DoorbellPhys(memory.size())),
      .tick_ns = config.tick_ns};
  return {block.info, MakeFirmware(embedded::QemuFirmware(), state, firmware)};
}

Fd FirmwareFile(const std::vector<uint8_t>& firmware) {
  return MemoryFileOf("forkvisor-firmware",
                      {reinterpret_cast<const char*>(firmware.data()), firmware.size()});
}

std::vector<std::string> QemuArguments(const std::string& program, CpuModel cpu,
                                       uint64_t memory_bytes) {
  const std::string bytes = std::to_string(memory_bytes);
  return {
      program, "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg", "-cpu",
      CpuArgument(cpu), "-m", "size=" + std::to_string(memory_bytes >> 20) + "M",
      // The machine without a PC's devices: interrupt controller and interval timer alone.
      "-machine",
      "microvm,acpi=off,rtc=off,isa-serial=off,x-option-roms=off,pic=on,pit=on,memory-backend=ram",
      "-object",
      "memory-backend-file,id=ram,share=on,mem-path=" + FdPath(kMemoryFd) + ",size=" + bytes,
      "-bios", FdPath(kFirmwareFd),
      // The doorbell's port: what is written to it comes out of our socket.
      "-chardev", "socket,id=bell,fd=" + std::to_string(kBellFd), "-device",
      "isa-debugcon,chardev=bell,iobase=" + std::to_string(FV_DOORBELL_PORT),
      // The registers at a reset, which is what a triple fault ends in.
      "-d", "cpu_reset"};
}

}  // namespace fv::vmm::qemu
