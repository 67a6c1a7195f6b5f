// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/native_runner.h"

#include <sys/syscall.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/fuzz/calls.h"
#include "src/fuzz/reset.h"

namespace fv::fuzz {
namespace {

using Clock = native::Launch::Clock;

constexpr uint64_t kTreeBytes = uint64_t{64} << 20;
constexpr uint64_t kAddressBytes = uint64_t{1} << 30;
constexpr uint64_t kStartNs = 60'000'000'000;
// Over the program's own limit: for a busy machine.
constexpr auto kGrace = std::chrono::seconds(60);

// The executor's own calls.
constexpr uint32_t kExecutorCalls[] = {
    SYS_read,
    SYS_write,
    SYS_open,
    SYS_close,
    SYS_mmap,
    SYS_brk,
    SYS_rt_sigaction,
    SYS_setitimer,
    SYS_setrlimit,
    SYS_futex,
    SYS_fork,
    SYS_rt_sigreturn,
    SYS_wait4,
    SYS_kill,
    SYS_ftruncate,
    SYS_exit,
    SYS_execve,
    SYS_exit_group,
    SYS_gettid,
    SYS_getpid,
    SYS_nanosleep,
    SYS_prctl,
    SYS_unlink,
    SYS_setpgid,
    SYS_capget,
    SYS_capset,
    SYS_clone3,
    SYS_clone,
    SYS_vfork,
    SYS_close_range,
    SYS_sched_yield,
    SYS_process_vm_readv,
    SYS_restart_syscall,
};

std::vector<uint32_t> AllowedCalls() {
  std::vector<uint32_t> allowed(std::begin(kExecutorCalls), std::end(kExecutorCalls));
  for (const CallSpec& call : Calls()) {
    if (IsSystemCall(call.number) && call.compared == Compared::kYes) {
      allowed.push_back(SystemCallOf(call.number));
    }
  }
  return allowed;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NativeRunner>> NativeRunner::Make(std::span<const uint8_t> executor,
                                                                 native::NativeOptions::User user) {
  absl::StatusOr<rootfs::FileTree> tree = ExecutorTree(executor);
  if (!tree.ok()) return tree.status();
  std::unique_ptr<NativeRunner> runner(new NativeRunner(*std::move(tree)));
  native::NativeOptions& options = runner->options_;
  options.root = native::NativeOptions::Root::kPrivate;
  options.user = user;
  options.tree = &runner->tree_;
  options.tree_limit_bytes = kTreeBytes;
  options.path = kExecutorPath;
  options.argv = {kExecutorPath, "serve"};
  options.cwd = "/";
  options.timeout_ns = kStartNs;
  options.allowed_calls = AllowedCalls();
  options.file_limit_bytes = FV_FUZZ_FILE_BYTES;
  options.address_limit_bytes = kAddressBytes;
  return runner;
}

absl::StatusOr<Results> NativeRunner::Run(const Program& program, uint32_t limit_ms) {
  if (service_ == nullptr) {
    absl::StatusOr<std::unique_ptr<native::Service>> started = native::Service::Start(options_);
    if (!started.ok()) return started.status();
    service_ = *std::move(started);
  }
  absl::StatusOr<Results> results = Ask(program, limit_ms);
  if (!results.ok()) service_.reset();  // whatever is left of the program goes with its sandbox
  return results;
}

absl::StatusOr<Results> NativeRunner::Ask(const Program& program, uint32_t limit_ms) {
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(limit_ms) + kGrace;
  const std::string bytes = Encode(program, limit_ms);
  const auto size = static_cast<uint32_t>(bytes.size());
  const std::string_view head(reinterpret_cast<const char*>(&size), sizeof(size));
  absl::Status status = service_->Send(absl::StrCat(std::string(head), bytes), deadline);
  if (!status.ok()) return status;
  std::string answer;
  for (;;) {
    uint32_t word = 0;
    status = service_->Receive(&word, sizeof(word), deadline);
    if (!status.ok()) return status;
    if ((word & FV_FUZZ_SERVED) != 0) {
      if (word == FV_FUZZ_SERVED) return ParseResults(program, answer);
      return absl::DataLossError(
          absl::StrCat("the executor ended with status ", word & ~FV_FUZZ_SERVED));
    }
    if (word > FV_FUZZ_MAX_BYTES) return absl::DataLossError("no answer of the executor");
    answer.resize(word);
    status = service_->Receive(answer.data(), answer.size(), deadline);
    if (!status.ok()) return status;
  }
}

}  // namespace fv::fuzz
