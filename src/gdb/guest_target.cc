// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/guest_target.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/gdb/task_registers.h"
#include "src/inspect/render.h"

namespace fv::gdb {
namespace {

std::string NameOf(const inspect::Task& task) {
  const proto::TaskRecord& record = task.record;
  std::string name =
      absl::StrCat(inspect::CommText(record), ", ", inspect::TaskStateName(record.state));
  if (record.pid != record.tgid) absl::StrAppend(&name, ", thread of ", record.tgid);
  return name;
}

// Bytes up to the end of the page.
size_t InPage(uint64_t address, size_t bytes) {
  return std::min<size_t>(bytes, proto::kPageBytes - address % proto::kPageBytes);
}

std::optional<vmm::Watch> MakeWatch(Target::WatchKind kind, uint64_t address, uint64_t bytes) {
  if (bytes == 0 || bytes > 8 || (bytes & (bytes - 1)) != 0 || address % bytes != 0) {
    return std::nullopt;
  }
  const auto length = static_cast<unsigned>(bytes);
  switch (kind) {
    case Target::WatchKind::kExecute:
      return vmm::Watch{vmm::Watch::Kind::kExecute, address, 1};
    case Target::WatchKind::kWrite:
      return vmm::Watch{vmm::Watch::Kind::kWrite, address, length};
    case Target::WatchKind::kRead:  // x86 has no such one
      return std::nullopt;
    case Target::WatchKind::kAccess:
      return vmm::Watch{vmm::Watch::Kind::kAccess, address, length};
  }
  return std::nullopt;
}

bool Same(const vmm::Watch& a, const vmm::Watch& b) {
  return a.kind == b.kind && a.address == b.address && a.bytes == b.bytes;
}

}  // namespace

GuestTarget::GuestTarget(vmm::Machine& machine, MonitorOptions monitor)
    : machine_(machine),
      monitor_(std::move(monitor)),
      view_(machine),
      breakpoints_(view_, machine.memory(), machine.debug().breakpoint()) {}

void GuestTarget::Refresh() {
  view_.Refresh();
  breakpoints_.Sync();
}

ThreadId GuestTarget::Current() {
  const inspect::Task* task = view_.current();
  return task == nullptr ? kCpuThread : task->record.pid;
}

std::vector<Thread> GuestTarget::Threads() {
  std::vector<Thread> threads;
  if (view_.current() == nullptr) threads.push_back({kCpuThread, "the kernel, no task"});
  for (const inspect::Task& task : view_.tasks()) {
    if (task.record.pid != 0 && task.stack_readable) {
      threads.push_back({task.record.pid, NameOf(task)});
    }
  }
  return threads;
}

std::optional<Registers> GuestTarget::ReadRegisters(ThreadId thread) {
  if (thread == Current() && current_in_ == Place::kCpu) return ReadCpu(machine_);
  const inspect::Task* task = view_.Find(thread);
  return task == nullptr ? std::nullopt : std::optional(ReadSaved(view_, *task));
}

bool GuestTarget::WriteRegisters(ThreadId thread, const Registers& registers) {
  if (thread == Current()) {
    return current_in_ == Place::kCpu && WriteCpu(machine_, registers);
  }
  const inspect::Task* task = view_.Find(thread);
  return task != nullptr && WriteSaved(view_, machine_.memory(), *task, registers);
}

std::string GuestTarget::ReadMemory(ThreadId thread, uint64_t address, size_t bytes) {
  const inspect::Task* task = view_.Find(thread);
  std::string text;
  while (text.size() < bytes) {
    const uint64_t at = address + text.size();
    const auto place = at < address ? std::nullopt : view_.Locate(task, at);
    if (!place) break;
    std::string piece(InPage(at, bytes - text.size()), '\0');
    if (!machine_.memory().Read(place->gpa, piece.data(), piece.size())) break;
    breakpoints_.Hide(place->gpa, piece);
    text += piece;
  }
  return text;
}

std::optional<GuestView::Place> GuestTarget::MayWrite(const inspect::Task* task,
                                                      uint64_t address) const {
  const auto place = view_.Locate(task, address);
  if (!place) return std::nullopt;
  const proto::FrameRecord frame = view_.FrameOf(place->gpa);
  // A hypervisor with shadow page tables would not see the host change one.
  if (frame.state == proto::FrameState::kPageTable) return std::nullopt;
  const bool alone = frame.state == proto::FrameState::kAnon && frame.refs == 1;
  return place->writable || alone ? place : std::nullopt;
}

bool GuestTarget::WriteMemory(ThreadId thread, uint64_t address, std::string_view bytes) {
  const inspect::Task* task = view_.Find(thread);
  if (address + bytes.size() < address) return false;
  for (size_t done = 0; done < bytes.size(); done += InPage(address + done, bytes.size() - done)) {
    if (!MayWrite(task, address + done)) return false;
  }
  for (size_t done = 0; done < bytes.size();) {
    const std::string piece(bytes.substr(done, InPage(address + done, bytes.size() - done)));
    const uint64_t gpa = MayWrite(task, address + done)->gpa;
    if (!machine_.memory().Write(gpa, piece.data(), piece.size())) return false;
    breakpoints_.NoteWritten(gpa, piece);
    done += piece.size();
  }
  return true;
}

Target::Done GuestTarget::InsertBreakpoint(ThreadId, uint64_t address) {
  return breakpoints_.Insert(address) ? Done::kYes : Done::kRefused;
}

Target::Done GuestTarget::RemoveBreakpoint(uint64_t address) {
  return breakpoints_.Remove(address) ? Done::kYes : Done::kRefused;
}

Target::Done GuestTarget::InsertWatch(WatchKind kind, uint64_t address, uint64_t bytes) {
  if (!machine_.debug().has_watchpoints() || kind == WatchKind::kRead) return Done::kUnsupported;
  const std::optional<vmm::Watch> watch = MakeWatch(kind, address, bytes);
  const auto free = std::find(watches_.begin(), watches_.end(), std::nullopt);
  if (!watch || free == watches_.end()) return Done::kRefused;
  *free = watch;
  return Done::kYes;
}

Target::Done GuestTarget::RemoveWatch(WatchKind kind, uint64_t address, uint64_t bytes) {
  if (!machine_.debug().has_watchpoints() || kind == WatchKind::kRead) return Done::kUnsupported;
  const std::optional<vmm::Watch> watch = MakeWatch(kind, address, bytes);
  const auto found = std::find_if(watches_.begin(), watches_.end(), [&](const auto& known) {
    return known && watch && Same(*known, *watch);
  });
  if (found == watches_.end()) return Done::kRefused;
  found->reset();
  return Done::kYes;
}

void GuestTarget::Forget() {
  view_.Refresh();
  breakpoints_.RemoveAll();
  watches_ = {};
}

std::string GuestTarget::ChooseProgram(const std::vector<std::string>& words, ThreadId thread) {
  uint64_t pid = thread;
  if (words.size() > 1 && !absl::SimpleAtoi(words[1], &pid)) return "program takes a pid\n";
  const inspect::Task* task = view_.Find(pid);
  const proto::GuestPtr executable = task == nullptr ? 0 : view_.ExecutableOf(task->record.mm);
  if (executable == 0) return absl::StrCat("task ", pid, " runs no program\n");
  breakpoints_.SetProgram(executable);
  return absl::StrCat("breakpoints are in the program of task ", pid, " (",
                      inspect::CommText(task->record), ")\n");
}

std::string GuestTarget::Monitor(ThreadId thread, const std::string& command) {
  const std::vector<std::string> words = absl::StrSplit(command, ' ', absl::SkipEmpty());
  if (!words.empty() && words[0] == "program") return ChooseProgram(words, thread);
  const bool task = view_.Find(thread) != nullptr;
  return AnswerMonitor(machine_, monitor_,
                       task ? std::optional(static_cast<uint32_t>(thread)) : std::nullopt, words);
}

}  // namespace fv::gdb
