// SPDX-License-Identifier: Apache-2.0
//
// A machine executed by QEMU's translator (TCG): for hosts without KVM, and to run the kernel's
// ring-0 paths on SYSCALL, SYSRET, SMEP and SMAP as a real CPU has them. RAM is a file of memory
// that both processes map; the firmware (firmware.h) brings the CPU into the state that KVM would
// have set; the doorbell is polled (proto/channel.h). docs/hosts.md compares the two.
//
// In a port the guest stands still: after a doorbell it waits for the answer, and for OnTick and
// while the guest idles QEMU's process is stopped.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "vmm/fd.h"
#include "vmm/machine_config.h"
#include "vmm/machine_interface.h"
#include "vmm/mapping.h"
#include "vmm/qemu/cpu_model.h"
#include "vmm/qemu/qemu_process.h"
#include "vmm/watchdog.h"

namespace fv::vmm::qemu {

inline constexpr char kQemuProgram[] = "qemu-system-x86_64";
// RAM is one piece from 0 only below the hole for devices.
inline constexpr uint64_t kMaxQemuRamBytes = uint64_t{2} << 30;

struct QemuConfig {
  MachineConfig machine;  // kernel_ring: kAuto or kRing0
  std::string program = kQemuProgram;
  CpuModel cpu = CpuModel::kFull;
};

class QemuMachine final : public MachineInterface {
 public:
  // Starts QEMU; the kernel waits for Run. Throws VmmError: kNoDevice if QEMU does not start.
  explicit QemuMachine(const QemuConfig& config);
  ~QemuMachine() override;

  RunResult Run(Ports& ports) override;
  void Kick() override;
  void RequestStop() override;
  using MachineInterface::memory;
  GuestMemory& memory() override { return memory_; }
  IdleEnd WaitIdle(uint64_t wait_ns, std::span<const int> fds) override;
  uint64_t GuestTsc() const override;
  uint64_t NsUntil(uint64_t tsc) const override;
  const proto::BootInfo& boot_info() const override { return boot_info_; }
  std::string Describe() const override;
  std::optional<bool> InKernelCode() const override { return std::nullopt; }
  std::string DumpRegisters() const override { return {}; }
  void StartDirtyLog(LogReader) override {}
  // Every page that has been touched at all: QEMU keeps no log for others.
  void TakeDirtyLog(LogReader reader, std::vector<uint64_t>& bitmap) override;

 private:
  enum class Wake { kInTime, kEnded };
  // Until the bell, a kick (which it notes) or the deadline; or QEMU has ended.
  Wake WaitForBell(uint64_t deadline_ns);
  // The word in the mailbox, 0 if there is none; takes its time for the clock.
  uint64_t TakeWord();
  void Answer();
  void AwaitFirmware(const std::string& program);
  void SetClocks();
  std::optional<RunResult> Serve(uint64_t word, Ports& ports);
  RunResult CpuReset() const;
  std::optional<RunResult> OnHousekeeping(Ports& ports);
  // Ticks that the guest has counted, so user code runs; any number if the guest is hostile.
  uint64_t GuestTicks() const;

  MachineConfig config_;
  CpuModel cpu_;
  Fd file_;
  GuestMemory memory_;
  Mapping mailbox_;
  Fd wakeup_;  // eventfd(2): there are kicks
  proto::BootInfo boot_info_{};
  std::unique_ptr<QemuProcess> process_;
  std::optional<Watchdog> watchdog_;  // during Run
  std::atomic<bool> stop_requested_ = false;
  bool kicked_ = false;      // taken from `wakeup_`, and nobody told
  bool unanswered_ = false;  // the guest waits for an answer
  bool clocks_set_ = false;
  uint64_t ready_wall_ns_ = 0;  // when the firmware was ready
  uint64_t ready_tsc_ = 0;
  uint64_t tsc_offset_ = 0;  // guest's TSC minus the host's
  uint64_t tsc_khz_ = 0;
  uint64_t last_ticks_ = 0;
};

}  // namespace fv::vmm::qemu
