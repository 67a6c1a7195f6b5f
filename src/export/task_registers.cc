// SPDX-License-Identifier: Apache-2.0
#include "src/export/task_registers.h"

#include <cstddef>
#include <cstring>

#include "src/inspect/trap_frame.h"

namespace fv::exports {

const inspect::Task* TaskOnCpu(const query::Moment& moment) {
  if (moment.snapshot.cpus.empty()) return nullptr;
  for (const inspect::Task& task : moment.snapshot.tasks) {
    if (task.address == moment.snapshot.cpus.front().current) return &task;
  }
  return nullptr;
}

std::optional<user_regs_struct> UserRegistersOf(const query::Moment& moment,
                                                const inspect::Task& task) {
  if (moment.cpu && moment.cpu->general.rip < proto::kUserEnd && TaskOnCpu(moment) == &task) {
    return moment.cpu->general;
  }
  inspect::TrapFrame frame;
  if (task.record.mm == 0 || !task.stack_readable ||
      !moment.memory.ReadPtr(inspect::TrapFrameAt(task.record.stack), frame)) {
    return std::nullopt;
  }
  user_regs_struct out{};
  static_assert(offsetof(user_regs_struct, r15) == offsetof(inspect::TrapFrame, r15) &&
                offsetof(user_regs_struct, rdi) == offsetof(inspect::TrapFrame, rdi) &&
                offsetof(user_regs_struct, rip) == offsetof(inspect::TrapFrame, vector));
  std::memcpy(&out, &frame, offsetof(inspect::TrapFrame, vector));
  out.rip = frame.rip;
  out.cs = frame.cs;
  out.eflags = frame.rflags;
  out.rsp = frame.rsp;
  out.ss = frame.ss;
  out.fs_base = task.record.fs_base;
  return out;
}

std::optional<user_fpregs_struct> FloatingRegistersOf(const query::Moment& moment,
                                                      const inspect::Task& task) {
  uint64_t area = 0;
  if (task.record.mm == 0 || !task.stack_readable ||
      !moment.memory.ReadPtr(inspect::SavedFpuAt(task.record.stack), area)) {
    return std::nullopt;
  }
  if (area == 0) return moment.cpu ? std::optional(moment.cpu->floating) : std::nullopt;
  user_fpregs_struct floating;  // an area of XSAVE begins as that of FXSAVE
  return moment.memory.ReadPtr(area, floating) ? std::optional(floating) : std::nullopt;
}

}  // namespace fv::exports
