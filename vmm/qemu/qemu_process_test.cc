// SPDX-License-Identifier: Apache-2.0
//
// The child process, with a shell in QEMU's place.
#include "vmm/qemu/qemu_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "vmm/memory_file.h"

namespace fv::vmm::qemu {
namespace {

class QemuProcessTest : public ::testing::Test {
 protected:
  QemuProcess Shell(const std::string& script) const {
    return QemuProcess({"/bin/sh", "-c", script}, memory_.get(), firmware_.get());
  }
  // Until the bell has something, or the process has ended.
  static void Wait(const QemuProcess& process) {
    pollfd bell{process.bell_fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&bell, 1, -1), 1);
  }

 private:
  const Fd memory_ = MemoryFile("memory", 1);
  const Fd firmware_ = MemoryFile("firmware", 1);
};

TEST_F(QemuProcessTest, ABellThatNeverStopsKeepsNobody) {
  QemuProcess process = Shell("exec yes >&5");
  for (int i = 0; i < 1000; ++i) {
    Wait(process);
    ASSERT_TRUE(process.EmptyBell());
  }
}

TEST_F(QemuProcessTest, TheEndIsNoticedBehindTheLastRing) {
  QemuProcess process = Shell("echo >&5; echo last words");
  Wait(process);
  EXPECT_TRUE(process.EmptyBell());
  Wait(process);
  EXPECT_FALSE(process.EmptyBell());
  EXPECT_EQ(process.output(), "last words\n");
}

TEST_F(QemuProcessTest, ItFindsItsFilesAndNoOthers) {
  const Fd inherited(::open("/dev/null", O_RDONLY));
  QemuProcess process = Shell("cd /proc/self/fd && echo *");
  Wait(process);
  EXPECT_FALSE(process.EmptyBell());
  EXPECT_EQ(process.output(), "0 1 2 3 4 5 6\n") << "6 is the shell's, for the folder";
}

}  // namespace
}  // namespace fv::vmm::qemu
