// SPDX-License-Identifier: Apache-2.0
//
// See core_notes.h. Structures of <sys/procfs.h>, which belongs to a C library.
#include "guest/task/core_notes.h"

#include <linux/elf.h>

#include "guest/arch/arch.h"
#include "guest/lib/string.h"
#include "guest/mm/mm.h"
#include "guest/mm/user_copy.h"
#include "guest/task/cred.h"
#include "guest/task/lifecycle.h"
#include "guest/task/sched_internal.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

constexpr uint32_t kNtXstate = 0x202;  // NT_X86_XSTATE, named LINUX
constexpr uint64_t kNsPerSec = 1'000'000'000;

struct CoreTime {
  int64_t seconds;
  int64_t microseconds;
};

// struct user_regs_struct.
struct CoreRegisters {
  uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax;
  uint64_t rip, cs, rflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
static_assert(sizeof(CoreRegisters) == 27 * sizeof(uint64_t));

// struct elf_prstatus.
struct CoreStatus {
  int32_t signo, code, number;
  int16_t current_signal;
  int16_t padding0;
  uint64_t pending, held;
  int32_t pid, ppid, pgrp, sid;
  CoreTime user, system, children_user, children_system;
  CoreRegisters registers;
  int32_t fpu_valid;
  int32_t padding1;
};
static_assert(sizeof(CoreStatus) == 336);

// struct elf_prpsinfo.
struct CoreProcess {
  char state, state_name, zombie, nice;
  uint32_t padding;
  uint64_t flags;
  uint32_t uid, gid;
  int32_t pid, ppid, pgrp, sid;
  char name[16];
  char arguments[80];
};
static_assert(sizeof(CoreProcess) == 136);

CoreTime TimeOf(uint64_t ns) {
  return {static_cast<int64_t>(ns / kNsPerSec), static_cast<int64_t>(ns % kNsPerSec / 1000)};
}

void Pad(TextBuffer& out) {
  static constexpr char kZeros[4] = {};
  out.Put(kZeros, -out.size() & 3);
}

// Header and name of a note; `bytes` of content follow, then Pad.
void BeginNote(TextBuffer& out, uint32_t type, size_t bytes, const char* name = "CORE") {
  const size_t name_bytes = strlen(name) + 1;
  const Elf64_Nhdr header{static_cast<Elf64_Word>(name_bytes), static_cast<Elf64_Word>(bytes),
                          type};
  out.Put(&header, sizeof(header));
  out.Put(name, name_bytes);
  Pad(out);
}

void AddNote(TextBuffer& out, uint32_t type, const void* content, size_t bytes,
             const char* name = "CORE") {
  BeginNote(out, type, bytes, name);
  out.Put(content, bytes);
  Pad(out);
}

CoreRegisters RegistersOf(const Task& task) {
  const TrapFrame& frame = task.frame();
  CoreRegisters out{};
  static_assert(offsetof(CoreRegisters, orig_rax) == offsetof(TrapFrame, orig_rax));
  memcpy(&out, &frame, offsetof(TrapFrame, vector));
  out.rip = frame.rip;
  out.cs = frame.cs;
  out.rflags = frame.rflags;
  out.rsp = frame.rsp;
  out.ss = frame.ss;
  out.fs_base = task.TaskRecord::fs_base;
  out.gs_base = task.gs_base;
  return out;
}

int32_t ParentOf(const Task& task) {
  return task.parent() != nullptr ? static_cast<int32_t>(task.parent()->tgid) : 0;
}

void AddStatus(TextBuffer& out, Task& task, int signo) {
  CoreStatus status{};
  status.signo = signo;
  status.current_signal = static_cast<int16_t>(signo);
  status.pending = task.pending.set;
  status.held = task.blocked;
  status.pid = static_cast<int32_t>(task.pid);
  status.ppid = ParentOf(task);
  status.pgrp = static_cast<int32_t>(task.pgid);
  status.sid = static_cast<int32_t>(task.sid);
  const TaskTimes times = task.IsLeader() ? GroupTimes(task) : task.times;
  status.user = TimeOf(times.utime_ns);
  status.system = TimeOf(times.stime_ns);
  const TaskTimes& children = task.signal().children;
  status.children_user = TimeOf(children.utime_ns);
  status.children_system = TimeOf(children.stime_ns);
  status.registers = RegistersOf(task);
  status.fpu_valid = 1;
  AddNote(out, NT_PRSTATUS, &status, sizeof(status));
}

void AddFpu(TextBuffer& out, Task& task) {
  SaveUserRegisters(task);
  AddNote(out, NT_PRFPREG, task.fpu, kFxsaveBytes);
  if (FpuMask() == 0) {
    return;
  }
  // A debugger learns from XCR0, in the bytes left to software, what the area holds.
  constexpr size_t kMaskOffset = 464;
  const auto* area = static_cast<const uint8_t*>(task.fpu);
  const uint64_t mask = FpuMask();
  BeginNote(out, kNtXstate, FpuBytes(), "LINUX");
  out.Put(area, kMaskOffset);
  out.Put(&mask, sizeof(mask));
  out.Put(area + kMaskOffset + sizeof(mask), FpuBytes() - kMaskOffset - sizeof(mask));
  Pad(out);
}

void AddProcess(TextBuffer& out, const Task& task) {
  CoreProcess process{};
  process.state_name = 'R';
  process.nice = task.nice;
  process.flags = task.flags;
  process.uid = task.cred().uid;
  process.gid = task.cred().gid;
  process.pid = static_cast<int32_t>(task.tgid);
  process.ppid = ParentOf(task);
  process.pgrp = static_cast<int32_t>(task.pgid);
  process.sid = static_cast<int32_t>(task.sid);
  memcpy(process.name, task.comm, sizeof(process.name));
  Mm& mm = *task.mm();
  const uint64_t given = mm.arg_end - mm.arg_start;
  constexpr size_t kMost = sizeof(process.arguments) - 1;
  const size_t bytes = given < kMost ? given : kMost;
  const size_t copied = CopyFromUserPartial(mm, process.arguments, mm.arg_start, bytes);
  for (size_t i = 0; i < copied; ++i) {
    process.arguments[i] = process.arguments[i] == '\0' ? ' ' : process.arguments[i];
  }
  AddNote(out, NT_PRPSINFO, &process, sizeof(process));
}

void AddAuxiliary(TextBuffer& out, const Mm& mm) {
  size_t words = 0;
  while (words + 2 <= Mm::kAuxWords) {
    words += 2;
    if (mm.auxv[words - 2] == 0) {
      break;  // AT_NULL
    }
  }
  AddNote(out, NT_AUXV, mm.auxv, words * sizeof(uint64_t));
}

// Which files are mapped where: count, page size, ranges, then the names.
void AddFiles(TextBuffer& out, const Mm& mm) {
  TextBuffer content;
  uint64_t head[2] = {0, proto::kPageBytes};
  for (const Vma& vma : mm.vma_list()) {
    head[0] += vma.source() != nullptr ? 1 : 0;
  }
  content.Put(head, sizeof(head));
  for (const Vma& vma : mm.vma_list()) {
    if (vma.source() != nullptr) {
      const uint64_t range[3] = {vma.start, vma.end, vma.page_offset};
      content.Put(range, sizeof(range));
    }
  }
  for (const Vma& vma : mm.vma_list()) {
    if (vma.source() != nullptr) {
      char name[512];
      const size_t length = vma.source()->MappingPath(name, sizeof(name) - 1);
      name[length] = '\0';
      content.Put(name, length + 1);
    }
  }
  if (!content.failed()) {
    AddNote(out, NT_FILE, content.data(), content.size());
  }
}

}  // namespace

void AddCoreNotes(TextBuffer& out, Task& dying, const SigInfo& info) {
  AddStatus(out, dying, info.signo);
  AddProcess(out, dying);
  AddNote(out, NT_SIGINFO, &info, sizeof(info));
  AddAuxiliary(out, *dying.mm());
  AddFiles(out, *dying.mm());
  AddFpu(out, dying);
  for (Task* thread = &NextThread(dying); thread != &dying; thread = &NextThread(*thread)) {
    if (thread->mm() != nullptr) {  // those that have left already have nothing to show
      AddStatus(out, *thread, info.signo);
      AddFpu(out, *thread);
    }
  }
}

}  // namespace fv::guest
