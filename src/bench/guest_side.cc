// SPDX-License-Identifier: Apache-2.0
//
// Runs the benchmark program in a guest and reads what it and the kernel say.
#include "src/bench/guest_side.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/bench/host.h"
#include "src/session/oracle_observer.h"
#include "src/session/session.h"

namespace fv::bench {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
// A guest that takes longer has failed.
constexpr uint64_t kLimitNs = 300'000'000'000;

// Forks of other modes find the pages shared already.
std::vector<ForkRecord> FreshForks(const ForkPhases& phases, const Samples& samples) {
  const auto fresh = samples.by_mode.find("fork");
  if (phases.rejected() != 0 || fresh == samples.by_mode.end()) return {};
  const size_t count = std::min(fresh->second.size(), phases.forks().size());
  return {phases.forks().begin(), phases.forks().begin() + static_cast<ptrdiff_t>(count)};
}

}  // namespace

const char* TouchName(Touch touch) {
  switch (touch) {
    case Touch::kWrite:
      return "write";
    case Touch::kRead:
      return "read";
    case Touch::kNone:
      return "none";
  }
  return "?";
}

std::optional<Touch> TouchNamed(std::string_view name) {
  for (const Touch touch : kTouches) {
    if (name == TouchName(touch)) return touch;
  }
  return std::nullopt;
}

std::vector<std::string> ProgramArguments(uint64_t bytes, Touch touch, uint64_t repetitions,
                                          const std::string& modes) {
  return {absl::StrCat("--size=", bytes), absl::StrCat("--touch=", TouchName(touch)),
          absl::StrCat("--repetitions=", repetitions), absl::StrCat("--modes=", modes)};
}

uint64_t GuestRamFor(uint64_t bytes, proto::ForkMemory memory) {
  const uint64_t copies = memory == proto::ForkMemory::kCopies ? 2 : 1;
  return copies * bytes + bytes / 16 + 96 * kMiB;
}

absl::StatusOr<GuestOutput> RunGuest(session::GuestOptions options,
                                     std::vector<session::Observer*> observers,
                                     oracle::CheckMode check) {
  options.root.busybox = rootfs::Busybox::kNever;
  options.event_mask |= session::CheckEventMask(check);
  options.boot_flags = session::CheckBootFlags(check);
  options.timeout_ns = kLimitNs;
  absl::StatusOr<session::Guest> guest = session::StartGuest(options);
  if (!guest.ok()) return guest.status();
  const vmm::Fd output = MemoryFile();
  const vmm::Fd errors = MemoryFile();
  std::unique_ptr<session::OracleObserver> oracle;
  if (check != oracle::CheckMode::kOff) {
    oracle = std::make_unique<session::OracleObserver>(*guest->machine,
                                                       oracle::CheckerOptions{.mode = check});
    observers.push_back(oracle.get());
  }
  session::SessionOptions session_options{.output = output.get(),
                                          .error = errors.get(),
                                          .stdin_mode = session::SessionOptions::Stdin::kEmpty,
                                          .timeout_ns = kLimitNs,
                                          .kernel_log = nullptr,
                                          .observers = std::move(observers)};
  const session::SessionResult result = session::Session(*guest->machine, session_options).Run();
  if (oracle && !oracle->findings().empty()) {
    return absl::InternalError(absl::StrCat("the oracle found: ", oracle->findings().front()));
  }
  if (result.end != session::SessionEnd::kExited || result.wait_status != 0) {
    return absl::InternalError(absl::StrCat(
        "the benchmark program failed in the guest: end ", static_cast<int>(result.end),
        ", wait status ", result.wait_status, " ", result.message, "\n", ReadAll(errors.get())));
  }
  const proto::BootInfo& boot = guest->machine->boot_info();
  return GuestOutput{ReadAll(output.get()), boot.tsc_khz, boot.kernel_ring,
                     guest->machine->Counts()};
}

absl::StatusOr<GuestSide> RunGuestSide(session::GuestOptions options, oracle::CheckMode check) {
  options.event_mask = kForkEvents;
  ForkPhases phases;
  absl::StatusOr<GuestOutput> output = RunGuest(std::move(options), {&phases}, check);
  if (!output.ok()) return output.status();
  absl::StatusOr<Samples> samples = ParseSamples(output->text);
  if (!samples.ok()) return samples.status();
  GuestSide side{{}, FreshForks(phases, *samples), output->tsc_khz, output->kernel_ring};
  side.samples = *std::move(samples);
  return side;
}

}  // namespace fv::bench
