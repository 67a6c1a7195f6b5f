// SPDX-License-Identifier: Apache-2.0
//
// The stack of a new program: strings, auxiliary vector, pointers (System V ABI x86-64, figure 3.9;
// getauxval(3)). Written into the new address space, before anybody runs on it.

#include <asm/auxvec.h>
#include <asm/resource.h>
#include <linux/auxvec.h>

#include "guest/arch/arch.h"
#include "guest/arch/cpuid.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/string.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/task/exec.h"
#include "guest/task/random.h"
#include "guest/task/signal_frame.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kInitialStackBytes = 33 * proto::kPageBytes;  // Linux: 132 KiB
constexpr uint64_t kMaxStringBytes = 32 * proto::kPageBytes;     // MAX_ARG_STRLEN, with the NUL
constexpr uint64_t kMinStringLimit = uint64_t{128} * 1024;       // ARG_MAX
constexpr uint64_t kMaxStringLimit = uint64_t{6} * 1024 * 1024;  // three quarters of 8 MiB
constexpr uint64_t kClockTicks = 100;
constexpr char kPlatform[] = "x86_64";
constexpr unsigned kAuxWords = Mm::kAuxWords;
// Of newer headers: how much of the rseq area the kernel fills (up to mm_cid), and its alignment.
constexpr uint64_t kAtRseqFeatureSize = 27;
constexpr uint64_t kAtRseqAlign = 28;
constexpr uint64_t kRseqFeatureBytes = 28;
constexpr uint64_t kRseqAlignment = 32;

// Strings and their pointers count; the limit is a quarter of the stack's (execve(2)).
Status Charge(NewProgram& program, uint64_t bytes) {
  if (bytes > kMaxStringBytes) {
    return Error(E2BIG);
  }
  program.string_bytes += bytes + sizeof(uint64_t);
  return program.string_bytes > program.string_limit ? Status(Error(E2BIG)) : Ok();
}

// Into the new stack, whose addresses are ours: only memory can be missing.
Status CopyToStack(NewProgram& program, uint64_t to, const void* from, size_t bytes) {
  return CopyToUser(*program.mm, to, from, bytes).ok() ? Ok() : Status(Error(ENOMEM));
}

Status PushUserString(NewProgram& program, Mm& from, uint64_t address, uint8_t* page) {
  uint64_t left = TRY(UserStringLength(from, address, kMaxStringBytes)) + 1;
  TRY(Charge(program, left));
  program.stack -= left;
  uint64_t to = program.stack;
  while (left > 0) {
    const uint64_t piece = left < proto::kPageBytes ? left : proto::kPageBytes;
    TRY(CopyFromUser(from, page, address, piece));
    if (piece == left) {
      page[piece - 1] = 0;  // another thread may have moved the end meanwhile
    }
    TRY(CopyToStack(program, to, page, piece));
    address += piece;
    to += piece;
    left -= piece;
  }
  return Ok();
}

Result<uint64_t> CountPointers(const StringVector& vector) {
  if (vector.mm == nullptr) {
    return vector.count;
  }
  if (vector.user == 0) {
    return uint64_t{0};
  }
  uint64_t count = 0;
  while (TRY(ReadUser<uint64_t>(*vector.mm, vector.user + count * 8)) != 0) {
    if (++count > kMaxStringLimit / sizeof(uint64_t)) {
      return Error(E2BIG);
    }
  }
  return count;
}

struct AuxWriter {
  uint64_t* at;
  void Add(uint64_t type, uint64_t value) {
    *at++ = type;
    *at++ = value;
  }
};

void WriteAuxiliary(const NewProgram& program, uint64_t random, uint64_t platform, uint64_t* to) {
  const ElfPlan& plan = program.plan;
  AuxWriter aux{to};
  aux.Add(AT_HWCAP, Cpuid(1).edx);
  aux.Add(AT_PAGESZ, proto::kPageBytes);
  aux.Add(AT_CLKTCK, kClockTicks);
  aux.Add(AT_PHDR, plan.headers_address == 0 ? 0 : plan.headers_address + program.bias);
  aux.Add(AT_PHENT, kElfProgramHeaderBytes);
  aux.Add(AT_PHNUM, plan.header_count);
  aux.Add(AT_BASE, program.interpreter_bias);
  aux.Add(AT_FLAGS, 0);
  aux.Add(AT_ENTRY, plan.entry + program.bias);
  aux.Add(AT_UID, program.uid);
  aux.Add(AT_EUID, program.euid);
  aux.Add(AT_GID, program.gid);
  aux.Add(AT_EGID, program.egid);
  aux.Add(AT_SECURE, program.secure ? 1 : 0);
  aux.Add(AT_RANDOM, random);
  aux.Add(AT_HWCAP2, 0);  // no FSGSBASE: software KVM runs it but CPUID does not promise it
  aux.Add(AT_EXECFN, program.file_name);
  aux.Add(AT_PLATFORM, platform);
  aux.Add(AT_MINSIGSTKSZ, SignalFrameBytes());
  aux.Add(kAtRseqFeatureSize, kRseqFeatureBytes);
  aux.Add(kAtRseqAlign, kRseqAlignment);
  aux.Add(AT_NULL, 0);
}

// Fills `words` with the addresses of `count` strings that begin at `string`; returns the end.
Result<uint64_t> WritePointers(Mm& mm, uint64_t string, uint64_t count, uint64_t* words) {
  for (uint64_t i = 0; i < count; ++i) {
    words[i] = string;
    string += TRY(UserStringLength(mm, string, kMaxStringBytes)) + 1;
  }
  words[count] = 0;
  return string;
}

}  // namespace

Status MapStack(NewProgram& program) {
  MapRequest request;
  request.address = proto::kUserStackTop - kInitialStackBytes;
  request.length = kInitialStackBytes;
  request.flags = proto::kVmRead | proto::kVmWrite | proto::kVmGrowsDown | proto::kVmStack;
  request.placement = MapPlacement::kFixed;
  TRY(program.mm->Map(request));
  program.mm->start_stack = proto::kUserStackTop;
  program.stack = proto::kUserStackTop - sizeof(uint64_t);
  uint64_t limit = CurrentTask()->rlimit(RLIMIT_STACK) / 4;
  limit = limit > kMaxStringLimit ? kMaxStringLimit : limit;
  program.string_limit = limit < kMinStringLimit ? kMinStringLimit : limit;
  return Ok();
}

Status PushString(NewProgram& program, const char* text) {
  const uint64_t bytes = strlen(text) + 1;
  TRY(Charge(program, bytes));
  program.stack -= bytes;
  return CopyToStack(program, program.stack, text, bytes);
}

Result<uint64_t> PushVector(NewProgram& program, const StringVector& vector) {
  const uint64_t count = TRY(CountPointers(vector));
  auto* page = static_cast<uint8_t*>(KernelAllocate(proto::kPageBytes));
  if (page == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free_page([page] { KernelFree(page, proto::kPageBytes); });
  for (uint64_t i = count; i-- > 0;) {
    if (vector.mm == nullptr) {
      TRY(PushString(program, vector.kernel[i]));
    } else {
      const uint64_t string = TRY(ReadUser<uint64_t>(*vector.mm, vector.user + i * 8));
      TRY(PushUserString(program, *vector.mm, string, page));
    }
  }
  return count;
}

Status PopString(NewProgram& program) {
  program.stack += TRY(UserStringLength(*program.mm, program.stack, kMaxStringBytes)) + 1;
  return Ok();
}

Status FinishStack(NewProgram& program) {
  Mm& mm = *program.mm;
  const uint64_t strings = program.stack;
  uint64_t at = program.stack - sizeof(kPlatform);
  const uint64_t platform = at;
  TRY(CopyToStack(program, platform, kPlatform, sizeof(kPlatform)));
  uint8_t random[16];
  FillRandom(random, sizeof(random));
  at = (at - sizeof(random)) & ~uint64_t{15};
  const uint64_t random_at = at;
  TRY(CopyToStack(program, random_at, random, sizeof(random)));

  const uint64_t count = 1 + program.argc + 1 + program.envc + 1 + kAuxWords;
  auto* words = static_cast<uint64_t*>(KernelAllocateZeroed(count * 8));
  if (words == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free_words([words, count] { KernelFree(words, count * 8); });
  words[0] = program.argc;
  mm.arg_start = strings;
  mm.arg_end = mm.env_start = TRY(WritePointers(mm, strings, program.argc, words + 1));
  mm.env_end = TRY(WritePointers(mm, mm.env_start, program.envc, words + 1 + program.argc + 1));
  uint64_t* auxiliary = words + 1 + program.argc + 1 + program.envc + 1;
  WriteAuxiliary(program, random_at, platform, auxiliary);
  memcpy(mm.auxv, auxiliary, sizeof(mm.auxv));
  program.stack = (at - count * 8) & ~uint64_t{15};
  mm.start_stack = program.stack;
  return CopyToStack(program, program.stack, words, count * 8);
}

}  // namespace fv::guest
