// SPDX-License-Identifier: Apache-2.0
//
// A kernel that overruns an array on a kernel stack. First, functions with arrays run on two stacks
// in turn, each of which has its own canary; then one of them writes behind its array. Says on the
// console if it got further than it should.

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/string.h"
#include "guest/lib/wait_queue.h"
#include "proto/layout.h"
#include "proto/records.h"

namespace fv::guest {
namespace {

constexpr size_t kArrayBytes = 32;

constinit proto::TaskRecord smasher{};
constinit KernelContext boot_context;
constinit KernelContext contexts[2];
constinit uint64_t next_stack = 0;

void Say(const char* text) { ConsoleWrite(proto::ConsoleStream::kStdout, text, strlen(text)); }

// The compiler knows neither the array's content nor how much is written.
[[gnu::noinline]] void Write(char* array, size_t bytes) {
  asm volatile("" : "+r"(array), "+r"(bytes) : : "memory");
  memset(array, 'x', bytes);
}

[[gnu::noinline]] void WriteAndSwitch(size_t bytes, KernelContext& from, KernelContext& to) {
  char array[kArrayBytes];
  Write(array, bytes);
  SwitchContext(from, to);
}

void Other(void*) {
  for (;;) {
    WriteAndSwitch(kArrayBytes, contexts[1], contexts[0]);
  }
}

void Smasher(void*) {
  for (int i = 0; i < 3; ++i) {
    WriteAndSwitch(kArrayBytes, contexts[0], contexts[1]);
  }
  WriteAndSwitch(2 * kArrayBytes, contexts[0], contexts[1]);
  Say("an overrun array went unnoticed\n");
  HaltForever();
}

void MakeStack(unsigned which, void (*entry)(void*), uint64_t canary) {
  const uint64_t base = proto::DirectMap(next_stack);
  next_stack += proto::kKernelStackBytes;
  InitKernelStack(base, &smasher, contexts[which], entry, nullptr);
  SetStackCanary(base, canary);
}

}  // namespace

void OnSyscall(TrapFrame&) {}
void OnPageFault(TrapFrame&, uint64_t, uint64_t) {}
void OnException(TrapFrame&) {}
void OnTick(TrapFrame&) {}
void OnReturnToUser(TrapFrame&) {}

extern "C" [[noreturn]] void KernelMain(const proto::BootInfo* boot) {
  InitArch(*boot);
  InitChannel(*boot);
  Channel().guest_magic = proto::kChannelMagic;
  smasher.pid = 7;
  memcpy(smasher.comm, "smasher", sizeof("smasher"));
  constexpr uint64_t kMask = proto::kKernelStackBytes - 1;
  next_stack = (boot->first_free_gpa + kMask) & ~kMask;
  MakeStack(0, Smasher, 0x1111111111111100);
  MakeStack(1, Other, 0x2222222222222200);
  SwitchContext(boot_context, contexts[0]);
  HaltForever();
}

}  // namespace fv::guest
