// SPDX-License-Identifier: Apache-2.0
//
// A guest that stands still as the protocol's Target: tasks are threads, memory is that of the
// selected task. Nothing in the guest is believed, nothing that a client asks can harm the host.
//
// Writes go where the task itself could write, or to a frame that nobody else uses, or into the
// kernel's window but its page tables: a page that others share by copy-on-write is not written,
// for they would see it.
#pragma once

#include <string>
#include <vector>

#include "src/gdb/breakpoints.h"
#include "src/gdb/guest_view.h"
#include "src/gdb/monitor.h"
#include "src/gdb/target.h"
#include "vmm/machine.h"

namespace fv::gdb {

class GuestTarget final : public Target {
 public:
  GuestTarget(vmm::Machine& machine, MonitorOptions monitor);

  // After the guest has run.
  void Refresh();
  // Where the task on the CPU is: wherever the CPU is, or where it goes on in its program; these
  // registers cannot be changed. Until the next call.
  enum class Place { kCpu, kProgram };
  void ShowCurrentIn(Place place) { current_in_ = place; }

  std::vector<Thread> Threads() override;
  ThreadId Current() override;
  std::optional<Registers> ReadRegisters(ThreadId thread) override;
  bool WriteRegisters(ThreadId thread, const Registers& registers) override;
  std::string ReadMemory(ThreadId thread, uint64_t address, size_t bytes) override;
  bool WriteMemory(ThreadId thread, uint64_t address, std::string_view bytes) override;
  Done InsertBreakpoint(ThreadId thread, uint64_t address) override;
  Done RemoveBreakpoint(uint64_t address) override;
  Done InsertWatch(WatchKind kind, uint64_t address, uint64_t bytes) override;
  Done RemoveWatch(WatchKind kind, uint64_t address, uint64_t bytes) override;
  std::string Monitor(ThreadId thread, const std::string& command) override;

  const GuestView& view() const { return view_; }
  Breakpoints& breakpoints() { return breakpoints_; }
  const vmm::Watches& watches() const { return watches_; }
  // The client has gone: no breakpoint, no watchpoint.
  void Forget();

 private:
  std::optional<GuestView::Place> MayWrite(const inspect::Task* task, uint64_t address) const;
  std::string ChooseProgram(const std::vector<std::string>& words, ThreadId thread);

  vmm::Machine& machine_;
  MonitorOptions monitor_;
  GuestView view_;
  Breakpoints breakpoints_;
  vmm::Watches watches_;
  Place current_in_ = Place::kCpu;
};

}  // namespace fv::gdb
