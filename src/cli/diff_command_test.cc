// SPDX-License-Identifier: Apache-2.0
//
// forkvisor diff as a command: its exit codes and what it prints. argv[1] is the binary; the
// programs are busybox's.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "src/cli/testing/shell.h"
#include "src/native/testing/user_namespaces.h"
#include "vmm/testing/require_kvm.h"

namespace {

std::string g_binary;

using fv::cli::testing::Outcome;
using fv::cli::testing::RunShell;

Outcome Shell(const std::string& script) {
  const char* user = fv::native::testing::UserNamespacesExist() ? "namespace" : "caller";
  const std::string command = "D() { '" + g_binary + "' diff --timeout=100 --native_user=" + user +
                              " \"$@\" 2>&1; }; " + script;
  return RunShell(command);
}

class DiffCommand : public fv::vmm::testing::KvmTest {
 protected:
  void SetUp() override {
    KvmTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (access("/bin/busybox", X_OK) != 0) GTEST_SKIP() << "no /bin/busybox";
    const Outcome probe = Shell("D --native_root=private --syscalls busybox true </dev/null");
    if (probe.status != 5) return;
    if (fv::vmm::testing::KvmIsRequired()) FAIL() << probe.text;
    GTEST_SKIP() << probe.text;
  }
};

TEST_F(DiffCommand, Equal) {
  Outcome outcome = Shell("echo input | D busybox cat");
  EXPECT_EQ(outcome.text, "equal: exit 0, 6 bytes of output\n");
  EXPECT_EQ(outcome.status, 0);
  outcome = Shell("D busybox sh -c 'kill -KILL $$' </dev/null");
  EXPECT_EQ(outcome.text, "equal: killed by SIGKILL, 0 bytes of output\n");
  EXPECT_EQ(outcome.status, 0);
  outcome = Shell("D --syscalls --check=every busybox sh -c '(echo a; exit 3); exit 4' </dev/null");
  EXPECT_EQ(outcome.status, 0) << outcome.text;
  EXPECT_TRUE(outcome.Has(" system calls of 2 tasks")) << outcome.text;
}

TEST_F(DiffCommand, Different) {
  const Outcome outcome = Shell("D --syscalls busybox uname -v </dev/null");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(outcome.Has("standard output, line 1\n  natively      \"#")) << outcome.text;
  EXPECT_TRUE(outcome.Has("another result\n")) << outcome.text;
  EXPECT_TRUE(outcome.Has("> write(1, ")) << outcome.text;
  EXPECT_TRUE(outcome.Has("\ndifferent: exit 0, ")) << outcome.text;
  const Outcome ignored = Shell("D --syscalls --ignore=write busybox uname -v </dev/null");
  EXPECT_FALSE(ignored.Has("another result")) << ignored.text;
}

TEST_F(DiffCommand, Json) {
  const Outcome outcome = Shell("D --format=json busybox true </dev/null");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.Has("\"equal\": true")) << outcome.text;
}

TEST_F(DiffCommand, TimeIsOver) {
  EXPECT_EQ(Shell("D --timeout=1 busybox sleep 1000 </dev/null").status, 124);
}

TEST_F(DiffCommand, WhatItWouldNotDoIsRefused) {
  EXPECT_EQ(Shell("D --record=run.fvr busybox true </dev/null").status, 2);
}

TEST_F(DiffCommand, FilesComeAlong) {
  const Outcome outcome = Shell(
      "cd $TEST_TMPDIR; echo content >data; D --file=data --env=A=b busybox sh -c "
      "'cat data; pwd; echo $A; rm data; ls' </dev/null; cat data");
  EXPECT_TRUE(outcome.Has("equal: exit 0")) << outcome.text;
  EXPECT_TRUE(outcome.text.ends_with("content\n")) << "the host's file is untouched";
}

TEST_F(DiffCommand, OnTheHostsRoot) {
  const Outcome outcome = Shell("D --native_root=host busybox echo x </dev/null");
  EXPECT_EQ(outcome.text, "equal: exit 0, 2 bytes of output\n");
}

// Both programs are static: nothing else is needed in there.
TEST_F(DiffCommand, RootInAChrootIsRefused) {
  if (geteuid() != 0) return;  // who may not chroot(8)
  const Outcome outcome = Shell("R=$TEST_TMPDIR/chroot; mkdir -p $R; cp /bin/busybox '" + g_binary +
                                "' $R; busybox chroot $R /forkvisor diff /busybox true 2>&1");
  EXPECT_EQ(outcome.status, 5) << outcome.text;
  EXPECT_TRUE(outcome.Has("no user namespace")) << outcome.text;
  EXPECT_TRUE(outcome.Has("--native_user=caller")) << outcome.text;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 2) return 2;
  g_binary = std::filesystem::absolute(argv[1]);
  return RUN_ALL_TESTS();
}
