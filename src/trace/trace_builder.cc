// SPDX-License-Identifier: Apache-2.0
#include "src/trace/trace_builder.h"

#include <sys/syscall.h>

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "src/trace/names.h"

namespace fv::trace {

std::string TaskName(const Trace& trace, size_t task) {
  std::string name = std::to_string(trace.tasks[task].ordinal);
  for (auto up = trace.tasks[task].creator; up; up = trace.tasks[*up].creator) {
    name = absl::StrCat(trace.tasks[*up].ordinal, ".", name);
  }
  return name;
}

TaskTrace* TraceBuilder::Find(uint32_t tid) {
  const auto found = living_.find(tid);
  return found == living_.end() ? nullptr : &trace_.tasks[found->second];
}

void TraceBuilder::OnFirst(uint32_t tid) {
  if (!trace_.tasks.empty()) return;
  TaskTrace task;
  task.pid = tid;
  trace_.tasks.push_back(std::move(task));
  living_[tid] = last_[tid] = 0;
}

void TraceBuilder::OnBirth(uint32_t creator, uint32_t child) {
  const auto found = living_.find(creator);
  if (found == living_.end()) return;
  const size_t at = trace_.tasks.size();
  if (at >= kMaxTasks) {
    trace_.truncated = true;
    return;
  }
  std::vector<size_t>& siblings = trace_.tasks[found->second].children;
  siblings.push_back(at);
  TaskTrace task;
  task.creator = found->second;
  task.ordinal = siblings.size();
  task.handler_depth = trace_.tasks[found->second].handler_depth;
  task.pid = child;
  trace_.tasks.push_back(std::move(task));
  living_[child] = last_[child] = at;
  Call* call = OpenCall(creator);
  if (call != nullptr) call->result_task = at;
}

bool TraceBuilder::GoesOn(TaskTrace& task, uint64_t number) {
  if (number != SYS_restart_syscall || task.calls.empty()) return false;
  Call& last = task.calls.back();
  if (last.Error() != kErestartBlock) return false;
  last.end = Call::End::kUnfinished;
  return true;
}

Call* TraceBuilder::OnEnter(uint32_t tid, uint64_t number,
                            const std::array<uint64_t, 6>& arguments) {
  TaskTrace* task = Find(tid);
  if (task == nullptr || GoesOn(*task, number)) return nullptr;
  if (calls_ >= max_calls_) {
    trace_.truncated = true;
    return nullptr;
  }
  ++calls_;
  Call call;
  call.number = number;
  call.arguments = arguments;
  call.handler_depth = task->handler_depth;
  task->calls.push_back(std::move(call));
  return &task->calls.back();
}

Call* TraceBuilder::OpenCall(uint32_t tid) {
  TaskTrace* task = Find(tid);
  if (task == nullptr || task->calls.empty()) return nullptr;
  Call& call = task->calls.back();
  return call.Returned() ? nullptr : &call;
}

void TraceBuilder::OnExit(uint32_t tid, int64_t result) {
  Call* call = trace_.truncated ? nullptr : OpenCall(tid);
  if (call == nullptr) return;
  call->result = result;
  call->end = Call::End::kReturned;
  if (call->number == SYS_rt_sigreturn && call->handler_depth > 0) {
    trace_.tasks[living_.find(tid)->second].handler_depth = call->handler_depth - 1;
  }
  const SyscallInfo* info = FindSyscall(call->number);
  if (info == nullptr || !info->returns_pid || result <= 0) {
    call->result_task.reset();
    return;
  }
  if (call->result_task) return;
  const auto found = last_.find(static_cast<uint32_t>(result));
  if (found != last_.end()) call->result_task = found->second;
}

void TraceBuilder::OnHandler(uint32_t tid) {
  TaskTrace* task = Find(tid);
  if (task != nullptr && task->handler_depth < std::numeric_limits<uint8_t>::max()) {
    ++task->handler_depth;
  }
}

void TraceBuilder::OnExec(uint32_t former, uint32_t tid) {
  const auto found = living_.find(former);
  if (found == living_.end()) return;
  const size_t task = found->second;
  trace_.tasks[task].handler_depth = 0;
  if (former == tid) return;
  OnEnd(tid);
  living_.erase(former);
  trace_.tasks[task].pid = tid;
  living_[tid] = last_[tid] = task;
}

void TraceBuilder::OnEnd(uint32_t tid) {
  TaskTrace* task = Find(tid);
  if (task == nullptr) return;
  task->ended = true;
  living_.erase(tid);
}

}  // namespace fv::trace
