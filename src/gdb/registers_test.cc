// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/registers.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "guest/arch/trap_frame.h"
#include "src/inspect/trap_frame.h"

namespace fv::gdb {
namespace {

using inspect::TrapFrame;
using inspect::TrapFrameAt;

TEST(TrapFrame, IsTheKernels) {
  static_assert(sizeof(TrapFrame) == sizeof(guest::TrapFrame));
#define FV_SAME(member) \
  static_assert(offsetof(TrapFrame, member) == offsetof(guest::TrapFrame, member))
  FV_SAME(r15);
  FV_SAME(r12);
  FV_SAME(rbp);
  FV_SAME(rbx);
  FV_SAME(r11);
  FV_SAME(r8);
  FV_SAME(rax);
  FV_SAME(rcx);
  FV_SAME(rdx);
  FV_SAME(rsi);
  FV_SAME(rdi);
  FV_SAME(orig_rax);
  FV_SAME(rip);
  FV_SAME(cs);
  FV_SAME(rflags);
  FV_SAME(rsp);
  FV_SAME(ss);
#undef FV_SAME
  const uint64_t stack = 0x70000020'0000;
  EXPECT_EQ(TrapFrameAt(stack), reinterpret_cast<uint64_t>(guest::TrapFrameOf(stack)));
}

TEST(Registers, KeepWhatTheyAreGiven) {
  Registers registers;
  EXPECT_FALSE(registers.Get(kRip));
  EXPECT_EQ(registers.Hex(kRip), "xxxxxxxxxxxxxxxx");
  registers.Set(kRip, 0x1122334455667788);
  EXPECT_EQ(registers.Hex(kRip), "8877665544332211");
  registers.Set(kCs, 0x33);
  EXPECT_EQ(registers.Hex(kCs), "33000000");
  registers.SetBytes(kXmm0, "0123456789abcdef");
  EXPECT_EQ(registers.Hex(kXmm0), "30313233343536373839616263646566");
}

TEST(Registers, TakeTextBack) {
  Registers registers;
  registers.Set(kRax, 5);
  Registers copy;
  ASSERT_TRUE(copy.TakeAllHex(registers.AllHex()));
  EXPECT_EQ(copy.AllHex(), registers.AllHex());
  EXPECT_TRUE(copy.TakeAllHex("0600000000000000")) << "the first ones are enough";
  EXPECT_EQ(copy.Get(kRax), 6u);
  EXPECT_FALSE(copy.TakeAllHex("06"));
  EXPECT_FALSE(copy.TakeAllHex("zz00000000000000"));
  EXPECT_FALSE(copy.TakeAllHex(registers.AllHex() + "00"));
  EXPECT_EQ(copy.Get(kRax), 6u) << "nothing of what is refused";
}

}  // namespace
}  // namespace fv::gdb
