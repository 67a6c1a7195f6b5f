// SPDX-License-Identifier: Apache-2.0
//
// What the tests of snapshots share: a guest that stands at the mark of random_tree, where a
// snapshot of it was taken, and runs of it with a seed.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "gflags/gflags.h"
#include "proto/channel.h"
#include "src/session/guest.h"
#include "src/session/moment.h"
#include "src/session/session.h"
#include "vmm/fd.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(kernel, "", "the guest kernel");
DEFINE_string(program, "", "random_tree");

namespace fv::tests {

inline constexpr uint64_t kNsPerSecond = 1'000'000'000;

inline const std::vector<uint8_t>& Kernel() {
  static const std::vector<uint8_t> kBytes = [] {
    std::ifstream file(FLAGS_kernel, std::ios::binary);
    return std::vector<uint8_t>{std::istreambuf_iterator<char>(file), {}};
  }();
  return kBytes;
}

inline vmm::Fd FileOf(const std::string& content) {
  vmm::Fd file(memfd_create("input", MFD_CLOEXEC));
  EXPECT_EQ(pwrite(file.get(), content.data(), content.size(), 0),
            static_cast<ssize_t>(content.size()));
  return file;
}

inline std::string ReadAll(const vmm::Fd& file) {
  std::string text(static_cast<size_t>(lseek(file.get(), 0, SEEK_END)), '\0');
  EXPECT_EQ(pread(file.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  return text;
}

class SnapshotTest : public vmm::testing::KvmTest {
 protected:
  // A guest that stands at the mark of random_tree, and the snapshot of it.
  void Start(const std::function<void(session::GuestOptions&)>& change = {}) {
    session::GuestOptions options;
    options.root.program = std::filesystem::absolute(FLAGS_program).string();
    options.root.busybox = rootfs::Busybox::kNever;
    options.ram_bytes = uint64_t{32} << 20;
    options.timeout_ns = 60 * kNsPerSecond;
    options.kernel_image = Kernel();
    if (change) change(options);
    absl::StatusOr<session::Guest> guest = session::StartGuest(options);
    ASSERT_TRUE(guest.ok()) << guest.status();
    guest_ = *std::move(guest);
    session::SnapshotTaker taker(machine(), *session::ParseSnapshotTime("mark:1"));
    const session::SessionResult result = Run(machine(), "", &taker);
    ASSERT_EQ(result.end, session::SessionEnd::kObserverStopped) << result.message;
    snapshot_ = taker.snapshot();
    ASSERT_NE(snapshot_, nullptr);
  }

  vmm::Machine& machine() { return *guest_.on_kvm; }

  session::SessionResult Run(vmm::Machine& machine, const std::string& input,
                             session::Observer* observer = nullptr) {
    const vmm::Fd in = FileOf(input);
    output_ = vmm::Fd(memfd_create("output", MFD_CLOEXEC));
    session::SessionOptions run;
    run.input = in.get();
    run.output = run.error = output_.get();
    run.timeout_ns = 60 * kNsPerSecond;
    if (observer != nullptr) run.observers.push_back(observer);
    return session::Session(machine, run).Run();
  }

  // Runs the program to its end with this seed; what it printed.
  std::string RunSeed(vmm::Machine& machine, uint64_t seed, session::Observer* observer = nullptr) {
    const session::SessionResult result = Run(machine, std::to_string(seed) + "\n", observer);
    EXPECT_EQ(result.end, session::SessionEnd::kExited) << "seed " << seed << " " << result.message;
    EXPECT_EQ(result.wait_status, 0) << "seed " << seed;
    return ReadAll(output_);
  }

  static std::string Text(const vmm::StateDifference& difference) {
    std::string text = std::to_string(difference.page_count) + " pages differ";
    for (const vmm::PageDifference& page : difference.pages) {
      text += "\nframe " + std::to_string(page.frame) + " at byte " + std::to_string(page.offset) +
              ": " + std::to_string(page.have) + ", not " + std::to_string(page.want);
    }
    for (const std::string& line : difference.registers) text += "\n" + line;
    return text;
  }

  void ExpectExact(vmm::Machine& machine, const vmm::Snapshot& snapshot) {
    const vmm::StateDifference difference = machine.Compare(snapshot);
    EXPECT_TRUE(difference.none()) << Text(difference);
  }

  session::Guest guest_;
  std::shared_ptr<const vmm::Snapshot> snapshot_;
  vmm::Fd output_;
};

}  // namespace fv::tests
