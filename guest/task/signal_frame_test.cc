// SPDX-License-Identifier: Apache-2.0
//
// The layout of a signal frame against the C library's view of it, and the checks of the FPU state
// that a program hands to rt_sigreturn.
#include "guest/task/signal_frame.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <ucontext.h>

#include <cstring>
#include <vector>

#include "guest/task/fpe_code.h"
#include "guest/task/fpu_frame.h"

namespace fv::guest {
namespace {

static_assert(sizeof(SigInfo) == sizeof(siginfo_t));
static_assert(offsetof(UContext, mcontext) == offsetof(ucontext_t, uc_mcontext));
static_assert(offsetof(UContext, stack) == offsetof(ucontext_t, uc_stack));
static_assert(offsetof(UContext, sigmask) == offsetof(ucontext_t, uc_sigmask));
static_assert(sizeof(SigStack) == sizeof(stack_t));
static_assert(offsetof(SigContext, rip) == REG_RIP * 8);
static_assert(offsetof(SigContext, rsp) == REG_RSP * 8);
static_assert(offsetof(SigContext, rax) == REG_RAX * 8);
static_assert(offsetof(SigContext, eflags) == REG_EFL * 8);
static_assert(offsetof(SigContext, cs) == REG_CSGSFS * 8);
static_assert(offsetof(SigContext, error_code) == REG_ERR * 8);
static_assert(offsetof(SigContext, trap_number) == REG_TRAPNO * 8);
static_assert(offsetof(SigContext, cr2) == REG_CR2 * 8);
static_assert(offsetof(SigContext, fpstate) == offsetof(mcontext_t, fpregs));
static_assert(kSigHup == SIGHUP && kSigKill == SIGKILL && kSigSegv == SIGSEGV &&
              kSigChld == SIGCHLD && kSigCont == SIGCONT && kSigStop == SIGSTOP &&
              kSigTtou == SIGTTOU && kSigSys == SIGSYS && kSigProf == SIGPROF);

TEST(SignalFrame, SiginfoFieldsAreWhereProgramsLook) {
  siginfo_t user;
  SigInfo info;
  info.signo = SIGCHLD;
  info.code = CLD_EXITED;
  info.child = {42, 1000, 7, 0, 11, 12};
  memcpy(&user, &info, sizeof(user));
  EXPECT_EQ(user.si_signo, SIGCHLD);
  EXPECT_EQ(user.si_code, CLD_EXITED);
  EXPECT_EQ(user.si_pid, 42);
  EXPECT_EQ(user.si_uid, 1000u);
  EXPECT_EQ(user.si_status, 7);
  EXPECT_EQ(user.si_utime, 11);
  EXPECT_EQ(user.si_stime, 12);
  info = {};
  info.fault.address = 0x1234;
  memcpy(&user, &info, sizeof(user));
  EXPECT_EQ(user.si_addr, reinterpret_cast<void*>(0x1234));
  info = {};
  info.sender = {5, 6, 0x55AA};
  memcpy(&user, &info, sizeof(user));
  EXPECT_EQ(user.si_value.sival_ptr, reinterpret_cast<void*>(0x55AA));
  info = {};
  info.timer = {3, 9, 0x77};
  memcpy(&user, &info, sizeof(user));
  EXPECT_EQ(user.si_overrun, 9);
  EXPECT_EQ(user.si_value.sival_int, 0x77);
}

TEST(SignalFrame, PlaceIsAlignedAndInsideTheStack) {
  for (uint64_t sp = 0x7000'0000; sp < 0x7000'0000 + 200; ++sp) {
    for (uint64_t fpu : {512u, 836u, 2700u}) {
      const SignalFramePlace place = PlaceSignalFrame(sp, fpu);
      EXPECT_EQ(place.fpu % 64, 0u);
      EXPECT_EQ((place.frame + 8) % 16, 0u);
      EXPECT_LE(place.fpu + fpu, sp);
      EXPECT_LE(place.frame + sizeof(RtSigFrame), place.fpu);
      EXPECT_GE(place.frame + sizeof(RtSigFrame) + fpu + 63 + 24, sp - 64);
    }
  }
}

constexpr size_t kAreaBytes = 832;  // x87, SSE, AVX
constexpr uint64_t kMask = 7;
constexpr uint32_t kMxcsrMask = 0xFFFF;

class FpuFrameTest : public ::testing::Test {
 protected:
  FpuFrameTest() {
    FpxSwBytes words{};
    words.magic1 = kFpXstateMagic1;
    words.extended_size = kAreaBytes + 4;
    words.xfeatures = kMask;
    words.xstate_size = kAreaBytes;
    Put(kFpSwReservedOffset, words);
    Put(24, uint32_t{0x1F80});
    Put(512, kMask);
  }
  template <typename T>
  void Put(size_t offset, const T& value) {
    memcpy(area_.data() + offset, &value, sizeof(value));
  }
  uint64_t Present() const {
    uint64_t value;
    memcpy(&value, area_.data() + 512, sizeof(value));
    return value;
  }
  bool Check(uint32_t magic2 = kFpXstateMagic2) {
    return CheckFpuFrame(area_.data(), kAreaBytes, kMask, kMxcsrMask, magic2).ok();
  }
  std::vector<uint8_t> area_ = std::vector<uint8_t>(kAreaBytes);
};

TEST_F(FpuFrameTest, WhatTheKernelWroteIsGood) {
  EXPECT_TRUE(Check());
  EXPECT_EQ(Present(), kMask);
}

TEST_F(FpuFrameTest, WithoutMagicOnlyTheLegacyPartCounts) {
  memset(area_.data() + 512, 0xFF, kAreaBytes - 512);
  EXPECT_TRUE(Check(0));
  EXPECT_EQ(Present(), 3u);
  EXPECT_EQ(area_[kAreaBytes - 1], 0);
}

TEST_F(FpuFrameTest, HeadersThatWouldFaultAreRefused) {
  Put(512, uint64_t{0x8});  // a component that is not enabled
  EXPECT_FALSE(Check());
  Put(512, kMask);
  Put(520, uint64_t{1} << 63);  // compacted form
  EXPECT_FALSE(Check());
  Put(520, uint64_t{0});
  for (size_t offset = 528; offset < 576; offset += 8) {
    Put(offset, uint64_t{1});
    EXPECT_FALSE(Check()) << offset;
    Put(offset, uint64_t{0});
  }
  EXPECT_TRUE(Check());
  Put(24, uint32_t{0x10000});  // reserved bit of MXCSR
  EXPECT_FALSE(Check());
}

TEST(FpuFrame, MxcsrMaskHasADefault) {
  std::vector<uint8_t> area(512);
  EXPECT_EQ(MxcsrMaskOf(area.data()), 0xFFBFu);
  area[28] = 0xFF;
  area[29] = 0xFF;
  EXPECT_EQ(MxcsrMaskOf(area.data()), 0xFFFFu);
}

TEST(FpeCode, FollowsTheUnmaskedFlag) {
  EXPECT_EQ(FpeCodeOf(0x01), FPE_FLTINV);
  EXPECT_EQ(FpeCodeOf(0x04), FPE_FLTDIV);
  EXPECT_EQ(FpeCodeOf(0x08), FPE_FLTOVF);
  EXPECT_EQ(FpeCodeOf(0x10), FPE_FLTUND);
  EXPECT_EQ(FpeCodeOf(0x20), FPE_FLTRES);
  std::vector<uint8_t> area(512);
  const uint32_t mxcsr = (0x1F80 & ~(0x04u << 7)) | 0x04;  // divide unmasked and raised
  memcpy(area.data() + 24, &mxcsr, sizeof(mxcsr));
  EXPECT_EQ(SimdFaultCode(area.data()), FPE_FLTDIV);
}

}  // namespace
}  // namespace fv::guest
