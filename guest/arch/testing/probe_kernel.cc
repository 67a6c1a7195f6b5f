// SPDX-License-Identifier: Apache-2.0
//
// The arch probe: a kernel of guest/arch alone. It runs one user page (probe_user.S) and checks
// that every kind of trap arrives with the right registers and goes back, that stacks switch, and
// that FPU state survives. Says "arch probe: ok" on the console, or which step failed. Both rings.

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/lib/wait_queue.h"
#include "proto/layout.h"
#include "proto/pte.h"

namespace fv::guest {

extern "C" {
extern const char probe_user_begin[];
extern const char probe_user_end[];
}

namespace {

constexpr uint64_t kUserCode = 0x400000;
constexpr uint64_t kUserStack = 0x500000;
constexpr uint64_t kAnswer = 0x1234567;
constexpr uint64_t kVectorInvalidOpcode = 6;

constinit uint64_t next_page = 0;
constinit unsigned step = 0;
constinit uint64_t user_root = 0;
alignas(64) constinit uint8_t fpu_area[16384] = {};
alignas(64) constinit uint8_t spoiled_area[16384] = {};
constinit KernelContext main_context;
constinit KernelContext side_context;
constinit unsigned side_visits = 0;

[[noreturn]] void Finish(const char* text) {
  ConsoleWrite(proto::ConsoleStream::kStdout, text, strlen(text));
  for (;;) {
    RingDoorbell(proto::DoorbellWord(proto::DoorbellReason::kDone, 0));
  }
}

void Expect(bool condition, const char* what) {
  ++step;
  if (!condition) {
    char line[160];
    Format(line, sizeof line, "arch probe: step %u failed: %s\n", step, what);
    Finish(line);
  }
}

uint64_t* NewPage() {
  auto* page = reinterpret_cast<uint64_t*>(proto::DirectMap(next_page));
  next_page += proto::kPageBytes;
  ZeroPage(page);
  return page;
}

uint64_t* Descend(uint64_t* table, uint64_t va, unsigned level) {
  uint64_t& entry = table[proto::TableIndex(va, level)];
  if (entry == 0) {
    entry = proto::PhysOfDirectMap(AddressOf(NewPage())) | proto::kPtePresent |
            proto::kPteWritable | proto::kPteUser;
  }
  return reinterpret_cast<uint64_t*>(proto::DirectMap(entry & proto::kPteFrameMask));
}

void* MapUserPage(uint64_t* root, uint64_t va, uint64_t flags) {
  uint64_t* table = Descend(Descend(Descend(root, va, 4), va, 3), va, 2);
  uint64_t* page = NewPage();
  table[proto::TableIndex(va, 1)] =
      proto::PhysOfDirectMap(AddressOf(page)) | proto::kPtePresent | proto::kPteUser | flags;
  return page;
}

void SideStack(void* argument) {
  side_visits = static_cast<unsigned>(AddressOf(argument));
  for (;;) {
    SwitchContext(side_context, main_context);
    ++side_visits;
  }
}

uint64_t NewKernelStack() {
  next_page = (next_page + proto::kKernelStackBytes - 1) & ~(proto::kKernelStackBytes - 1);
  const uint64_t base = proto::DirectMap(next_page);
  next_page += proto::kKernelStackBytes;
  return base;
}

void CheckStacks() {
  const uint64_t base = NewKernelStack();
  InitKernelStack(base, nullptr, side_context, SideStack, reinterpret_cast<void*>(uint64_t{40}));
  SwitchContext(main_context, side_context);
  SwitchContext(main_context, side_context);
  SwitchContext(main_context, side_context);
  Expect(side_visits == 42, "stack switch");
  Expect(*reinterpret_cast<uint64_t*>(base) == proto::kStackEndMagic, "stack canary");
}

void CheckFirstCall(TrapFrame& frame) {
  Expect(frame.rdi == 0x1111 && frame.rsi == 0x2222 && frame.rdx == 0x3333 && frame.r10 == 0x4444 &&
             frame.r8 == 0x5555 && frame.r9 == 0x6666 && frame.rbx == 0x7777 &&
             frame.r12 == 0x8888 && frame.r15 == 0x9999,
         "registers of the first system call");
  Expect(frame.rsp == kUserStack + proto::kPageBytes && frame.orig_rax == 1 &&
             frame.rip > kUserCode && frame.rip < kUserCode + 100,
         "stack, number and return address");
  frame.rax = kAnswer;
}

}  // namespace

void OnSyscall(TrapFrame& frame) {
  switch (frame.rax) {
    case 1:
      return CheckFirstCall(frame);
    case 2:
      SaveFpu(fpu_area);
      InitFpu(spoiled_area);
      RestoreFpu(spoiled_area);
      RestoreFpu(fpu_area);
      return;
    case 3:
      return Expect(frame.rdi == ~uint64_t{0}, "FPU state");
    case 4:
      return;
    case 5: {
      char line[100];
      Format(line, sizeof line, "arch probe: null system call %lu cycles\n", frame.rdi / 1000);
      ConsoleWrite(proto::ConsoleStream::kStdout, line, strlen(line));
      Channel().tick_wanted = 1;
      return;
    }
    default:
      Expect(false, "the answer in RAX");
  }
}

void OnPageFault(TrapFrame& frame, uint64_t address, uint64_t error_code) {
  constexpr uint64_t kUserMode = 4;
  if (address == 0x10000000) {
    Expect(error_code == kUserMode, "error code of a missing page");
    frame.rip += 7;
    return;
  }
  Expect(address == 0x700000100000, "CR2");
  Expect((error_code & kUserMode) != 0, "error code in the kernel's window");
  frame.rip += 9;
}

void OnException(TrapFrame& frame) {
  ++step;
  const uint64_t vector = frame.vector;
  switch (vector) {
    case kVectorInvalidOpcode:
    case 0:
      frame.rip += 2;
      return;
    case 3:
      return;
    case 13:
      frame.rip += 1;
      return;
    default:
      Expect(false, "vector");
  }
}

void OnTick(TrapFrame& /*frame*/) {
  Expect(step >= 12, "steps before the tick");
  Finish("arch probe: ok\n");
}

void OnReturnToUser(TrapFrame& /*frame*/) {}

extern "C" [[noreturn]] void KernelMain(const proto::BootInfo* boot) {
  InitArch(*boot);
  InitChannel(*boot);
  Channel().guest_magic = proto::kChannelMagic;
  next_page = boot->first_free_gpa;
  CheckStacks();

  uint64_t* root = NewPage();
  user_root = proto::PhysOfDirectMap(AddressOf(root));
  memcpy(MapUserPage(root, kUserCode, 0), probe_user_begin,
         static_cast<size_t>(probe_user_end - probe_user_begin));
  MapUserPage(root, kUserStack, proto::kPteWritable | proto::kPteNoExecute);
  LinkKernelWindow(root);

  const uint64_t stack = NewKernelStack();
  InitKernelStack(stack, nullptr, side_context, ReturnFromFork, nullptr);
  InitUserFrame(*TrapFrameOf(stack), kUserCode, kUserStack + proto::kPageBytes);
  SetUserContext(user_root, stack);
  InitFpu(fpu_area);
  RestoreFpu(fpu_area);
  SwitchContext(main_context, side_context);
  HaltForever();
}

}  // namespace fv::guest
