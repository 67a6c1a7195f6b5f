// SPDX-License-Identifier: Apache-2.0
//
// See fake_machine.h.
#include "guest/mm/testing/fake_machine.h"

#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/print.h"
#include "guest/mm/frames.h"
#include "guest/mm/out_of_memory.h"
#include "guest/mm/slab.h"

#if !FV_HOSTED
// The canary of the kernel's objects (guest/arch/trap.cc has the kernel's own), for the benchmark.
extern "C" constinit uint64_t __stack_chk_guard = 0;
#endif

namespace fv::guest::testing {

namespace {
FakeMachine* instance = nullptr;  // lives as long as the kernel's static caches
}  // namespace

FakeMachine& FakeMachine::Get() {
  if (instance != nullptr) {
    return *instance;
  }
  void* ram = mmap(reinterpret_cast<void*>(proto::kKernelBase), kRamBytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (ram != reinterpret_cast<void*>(proto::kKernelBase)) {
    std::perror("the fake machine's RAM");
    std::abort();
  }
  instance = new FakeMachine;
  InitFrames(instance->boot_);
  InitSlab();
  InitMm(instance->boot_);
  return *instance;
}

FakeMachine::FakeMachine() {
  boot_.magic = proto::kBootMagic;
  boot_.ram_bytes = kRamBytes;
  boot_.first_free_gpa = 0x200000;
  std::strcpy(boot_.fork_strategy, proto::kDefaultForkStrategy);
}

bool FakeMachine::FailNow() {
  if (fail_countdown_ == 0) {
    return false;
  }
  failed_ = --fail_countdown_ == 0;
  return failed_;
}

}  // namespace fv::guest::testing

namespace fv::guest {

using testing::FakeMachine;

namespace {
FakeMachine& Machine() { return FakeMachine::Get(); }
}  // namespace

proto::ChannelHeader& Channel() { return Machine().channel(); }
const proto::BootInfo& Boot() { return Machine().boot(); }
bool EventWanted(proto::EventKind) { return true; }
void EmitEvent(proto::EventKind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
  Machine().Record({kind, a, b, c, d, e});
}
void NoteChange(proto::SafepointKind) {}
bool RelieveMemory(Mm&) { return false; }
bool FailInjected() { return Machine().FailNow(); }

void LinkKernelWindow(uint64_t* root) { root[proto::kKernelPml4Slot] = 0; }
void FlushUserRoot(uint64_t, uint64_t, uint64_t) { Machine().CountFlush(); }

void Log(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
}

void Panic(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  std::abort();
}

}  // namespace fv::guest
