// SPDX-License-Identifier: Apache-2.0
//
// The run of a guest under QEMU: wait for the bell, serve it, answer.
#include "vmm/qemu/qemu_machine.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "proto/channel.h"
#include "proto/layout.h"
#include "vmm/boot_block.h"
#include "vmm/clock.h"
#include "vmm/cpu_state.h"
#include "vmm/error.h"
#include "vmm/memory_file.h"
#include "vmm/qemu/firmware.h"
#include "vmm/qemu/qemu_boot.h"

namespace fv::vmm::qemu {
namespace {

// How often rings are drained and time limits looked at while the guest does not ring.
constexpr uint64_t kHousekeepingPeriodNs = 10'000'000;
constexpr uint64_t kStartLimitNs = 60'000'000'000;

Fd MakeEventFd() {
  Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) ThrowErrno("eventfd", errno);
  return fd;
}

// Whether there was anything.
bool Drain(int event_fd) {
  uint64_t count;
  return ::read(event_fd, &count, sizeof(count)) == sizeof(count);
}

MachineConfig QemuConfigured(MachineConfig config) {
  if (config.kernel_ring == KernelRing::kRing3) {
    throw VmmError(VmmErrorKind::kBadConfig, "under QEMU the guest kernel runs in ring 0 only");
  }
  if (config.ram_bytes > kMaxQemuRamBytes) {
    throw VmmError(VmmErrorKind::kBadConfig, "under QEMU a guest has at most 2 GiB of memory");
  }
  if (config.watchdog.spin_limit_ns == kSpinLimitAuto) {
    config.watchdog.spin_limit_ns = kEmulatedSpinLimitNs;
  }
  // Only the tick shows that user code runs.
  if (config.tick_ns == 0) config.watchdog.spin_limit_ns = 0;
  return config;
}

// Of QEMU's log: the general, segment and control registers at the first triple fault.
std::string RegistersAtReset(const std::string& log) {
  const size_t fault = log.find("Triple fault");
  const size_t start = log.find("RAX=", fault == std::string::npos ? 0 : fault);
  if (start == std::string::npos) return log;
  const size_t end = log.find("FCW=", start);
  return log.substr(start, end == std::string::npos ? end : end - start);
}

volatile proto::Mailbox& MailboxIn(const Mapping& page) {
  return *static_cast<volatile proto::Mailbox*>(static_cast<void*>(page.data()));
}

}  // namespace

QemuMachine::QemuMachine(const QemuConfig& config)
    : config_(QemuConfigured(CheckedConfig(config.machine))),
      cpu_(config.cpu),
      file_(MemoryFile("forkvisor-ram", config_.ram_bytes + kSpareBytes)),
      memory_(GuestMemory::OfFile(file_.get(), config_.ram_bytes)),
      mailbox_(Mapping::OfFile(file_.get(), proto::kPageBytes, config_.ram_bytes)),
      wakeup_(MakeEventFd()),
      tsc_khz_(MeasureTscKhz()) {
  const QemuBoot boot = PrepareBoot(memory_, config_, cpu_, tsc_khz_);
  boot_info_ = boot.info;
  const Fd firmware = FirmwareFile(boot.firmware);
  process_ = std::make_unique<QemuProcess>(
      QemuArguments(config.program, cpu_, config_.ram_bytes + kSpareBytes), file_.get(),
      firmware.get());
  AwaitFirmware(config.program);
}

QemuMachine::~QemuMachine() = default;

void QemuMachine::AwaitFirmware(const std::string& program) {
  const uint64_t deadline_ns = MonotonicNs() + kStartLimitNs;
  while (TakeWord() != FV_FW_READY) {
    if (WaitForBell(deadline_ns) != Wake::kEnded && MonotonicNs() < deadline_ns) continue;
    const std::string said = process_->output();
    std::string message = program + " does not start";
    message += said.empty() ? " (package qemu-system-x86)" : ": " + said;
    throw VmmError(VmmErrorKind::kNoDevice, message);
  }
  ready_wall_ns_ = RealtimeNs();
  ready_tsc_ = MailboxIn(mailbox_).tsc;
  unanswered_ = true;
}

// The guest waits in the firmware, so what it will read can still be written.
void QemuMachine::SetClocks() {
  clocks_set_ = true;
  const BootTime time = BootTimeOf(config_, {boot_info_.tsc_khz, ready_tsc_, ready_wall_ns_});
  boot_info_.boot_tsc = time.boot_tsc;
  boot_info_.boot_wall_ns = time.boot_wall_ns;
  boot_info_.tsc_khz = time.tsc_khz;
  (void)memory_.Store(proto::kBootInfoPhys, boot_info_);
}

RunResult QemuMachine::Run(Ports& ports) {
  if (!clocks_set_) SetClocks();
  watchdog_.emplace(config_.watchdog, MonotonicNs());
  if (unanswered_) Answer();
  uint64_t housekeeping_ns = MonotonicNs() + kHousekeepingPeriodNs;
  while (true) {
    const Wake wake = WaitForBell(housekeeping_ns);
    if (stop_requested_.exchange(false)) return {RunEnd::kKicked, {}};
    if (const uint64_t word = TakeWord(); word != 0) {
      if (auto end = Serve(word, ports)) return *std::move(end);
    } else if (wake == Wake::kEnded) {
      return {RunEnd::kGuestError, "QEMU ended\n" + process_->output()};
    }
    if (MonotonicNs() >= housekeeping_ns || std::exchange(kicked_, false)) {
      if (auto end = OnHousekeeping(ports)) return *std::move(end);
      housekeeping_ns = MonotonicNs() + kHousekeepingPeriodNs;
    }
  }
}

std::optional<RunResult> QemuMachine::Serve(uint64_t word, Ports& ports) {
  if (word == FV_FW_READY) return CpuReset();  // the firmware again
  const uint64_t doorbell = proto::DoorbellPhys(memory_.size());
  unanswered_ = true;
  const HandledExit handled = HandleExit(MmioWrite{doorbell, sizeof(word), word}, doorbell, ports);
  if (handled.action == ExitAction::kStop) return RunResult{RunEnd::kStopped, {}};
  if (handled.action == ExitAction::kError) {
    return RunResult{RunEnd::kGuestError, handled.message};
  }
  watchdog_->OnProgress(MonotonicNs());
  Answer();
  return std::nullopt;
}

// A triple fault ends in a reset, at which QEMU logs the registers.
RunResult QemuMachine::CpuReset() const {
  return {RunEnd::kGuestError,
          "the guest failed: triple fault\n" + RegistersAtReset(process_->output())};
}

std::optional<RunResult> QemuMachine::OnHousekeeping(Ports& ports) {
  const uint64_t start_ns = MonotonicNs();
  process_->Freeze();
  const Next next = ports.OnTick();
  process_->Thaw();
  const uint64_t now_ns = MonotonicNs();
  watchdog_->Exclude(now_ns - start_ns);
  if (next == Next::kStop) return RunResult{RunEnd::kStopped, {}};

  const uint64_t ticks = GuestTicks();
  if (ticks != last_ticks_) watchdog_->OnProgress(now_ns);
  last_ticks_ = ticks;
  switch (watchdog_->Look(now_ns, MonotonicNs)) {
    case Verdict::kWallLimit:
      return RunResult{RunEnd::kWallLimit, "the run took longer than its limit"};
    case Verdict::kSpin:
      return RunResult{RunEnd::kSpin, "the guest kernel ran too long without an answer"};
    case Verdict::kFine:
    case Verdict::kAskWindow:
      return std::nullopt;
  }
  return std::nullopt;
}

QemuMachine::Wake QemuMachine::WaitForBell(uint64_t deadline_ns) {
  const uint64_t now_ns = MonotonicNs();
  const int fds[] = {process_->bell_fd(), wakeup_.get()};
  vmm::WaitIdle(deadline_ns > now_ns ? deadline_ns - now_ns : 0, fds);
  if (Drain(wakeup_.get())) kicked_ = true;
  return process_->EmptyBell() ? Wake::kInTime : Wake::kEnded;
}

uint64_t QemuMachine::TakeWord() {
  volatile proto::Mailbox& mailbox = MailboxIn(mailbox_);
  const uint64_t word = mailbox.word;
  std::atomic_thread_fence(std::memory_order_acquire);
  if (word == 0 || unanswered_) return 0;
  // The word was written before we see it: of all the differences the largest is nearest.
  const uint64_t offset = mailbox.tsc - HostTsc();
  if (tsc_offset_ == 0 || static_cast<int64_t>(offset - tsc_offset_) > 0) tsc_offset_ = offset;
  return word;
}

void QemuMachine::Answer() {
  unanswered_ = false;
  std::atomic_thread_fence(std::memory_order_release);
  MailboxIn(mailbox_).word = 0;
  process_->Thaw();
}

void QemuMachine::Kick() {
  const int saved_errno = errno;
  const uint64_t one = 1;
  (void)!::write(wakeup_.get(), &one, sizeof(one));
  errno = saved_errno;
}

void QemuMachine::RequestStop() {
  stop_requested_ = true;
  Kick();
}

IdleEnd QemuMachine::WaitIdle(uint64_t wait_ns, std::span<const int> fds) {
  if (watchdog_) wait_ns = std::min(wait_ns, watchdog_->NsLeft(MonotonicNs()));
  process_->Freeze();
  int all[kMaxIdleFds] = {wakeup_.get()};
  const size_t count = std::min(fds.size(), kMaxIdleFds - 1);
  std::copy_n(fds.begin(), count, all + 1);
  const IdleEnd end = vmm::WaitIdle(kicked_ ? 0 : wait_ns, std::span<const int>(all, count + 1));
  // The caller learns of a kick here and now; Run need not tell it again.
  const bool kicked = Drain(wakeup_.get());
  return std::exchange(kicked_, false) || kicked ? IdleEnd::kSignal : end;
}

uint64_t QemuMachine::GuestTsc() const { return HostTsc() + tsc_offset_; }

uint64_t QemuMachine::NsUntil(uint64_t tsc) const { return NsBetween(GuestTsc(), tsc, tsc_khz_); }

std::string QemuMachine::Describe() const {
  return "QEMU's translator, kernel in ring 0 (" + CpuArgument(cpu_) + ")";
}

uint64_t QemuMachine::GuestTicks() const {
  using proto::ChannelHeader;
  const uint64_t cpus =
      memory_.Load<uint64_t>(channel_gpa() + offsetof(ChannelHeader, cpus)).value_or(0);
  if (!proto::InDirectMap(cpus, memory_.size())) return 0;
  return memory_.Load<uint64_t>(proto::PhysOfDirectMap(cpus) + offsetof(proto::CpuRecord, ticks))
      .value_or(0);
}

void QemuMachine::TakeDirtyLog(LogReader, std::vector<uint64_t>& bitmap) {
  const uint64_t frames = memory_.size() / proto::kPageBytes;
  bitmap.assign((frames + 63) / 64, 0);
  off_t at = 0;
  while ((at = ::lseek(file_.get(), at, SEEK_DATA)) >= 0) {
    const off_t end = ::lseek(file_.get(), at, SEEK_HOLE);
    if (end < 0) ThrowErrno("lseek", errno);
    const uint64_t last = std::min(frames, static_cast<uint64_t>(end) / proto::kPageBytes);
    for (uint64_t frame = static_cast<uint64_t>(at) / proto::kPageBytes; frame < last; ++frame) {
      bitmap[frame / 64] |= uint64_t{1} << frame % 64;
    }
    at = end;
  }
  if (errno != ENXIO) ThrowErrno("lseek", errno);  // ENXIO: no data behind `at`
}

}  // namespace fv::vmm::qemu
