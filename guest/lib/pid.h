// SPDX-License-Identifier: Apache-2.0
//
// Pid: the id of a task, a process group or a session, with one number for each level of pid
// namespaces (Linux: struct pid; pid_namespaces(7)). PidNamespace: a space of such numbers. Both
// are plain data for whoever holds a reference; guest/task/pid.cc and pid_namespace.cc make them,
// find them and take them apart.
//
// Inside the kernel a task is named by its number in the initial namespace (TaskRecord::pid, tgid,
// pgid, sid). Numbers are translated where they meet a program: system calls, signals, messages,
// and /proc, which shows those of the namespace that it was mounted in.
//
// A Pid keeps its numbers while a task, a group or a session has it; the structure lives until its
// last reference goes, so that who held it can still ask for the old number.
// Locking: pidmap_lock for numbers and hash, the tasklist lock for tasks, groups and sessions.
#pragma once

#include <cstdint>

#include "guest/lib/list.h"
#include "guest/lib/pid_map.h"
#include "guest/lib/ref.h"
#include "guest/lib/wait_queue.h"
#include "proto/records.h"

namespace fv::guest {

class Task;

inline constexpr uint32_t kMaxPidLevel = 32;  // Linux: MAX_PID_NS_LEVEL

class PidNamespace : public proto::PidNamespaceRecord {
 public:
  PidNamespace() : proto::PidNamespaceRecord{} {}
  PidNamespace(const PidNamespace&) = delete;
  PidNamespace& operator=(const PidNamespace&) = delete;
  void AddRef() { ++refs; }
  void Release();

  PidNamespace* parent() const {
    return static_cast<PidNamespace*>(
        reinterpret_cast<proto::PidNamespaceRecord*>(PidNamespaceRecord::parent));
  }
  // `other` is this namespace or lies below it.
  bool Contains(const PidNamespace& other) const {
    const PidNamespace* at = &other;
    while (at->level > level) {
      at = at->parent();
    }
    return at == this;
  }

  PidMap map;
  bool closed = false;    // its init is dying: no new processes
  int reboot_signal = 0;  // reboot(2): the signal that its init seems to die of
};

class Pid : public proto::PidRecord {
 public:
  Pid() : proto::PidRecord{} {}
  Pid(const Pid&) = delete;
  Pid& operator=(const Pid&) = delete;
  void AddRef() { ++refs; }
  void Release();

  proto::PidNumberRecord& At(uint32_t at_level) {
    return at_level == 0 ? root : reinterpret_cast<proto::PidNumberRecord*>(deeper)[at_level - 1];
  }
  const proto::PidNumberRecord& At(uint32_t at_level) const {
    return const_cast<Pid*>(this)->At(at_level);
  }
  // The namespace that it was made in.
  PidNamespace& space() const { return SpaceAt(level); }
  PidNamespace& SpaceAt(uint32_t at_level) const {
    return *static_cast<PidNamespace*>(
        reinterpret_cast<proto::PidNamespaceRecord*>(At(at_level).space));
  }
  uint32_t global() const { return static_cast<uint32_t>(root.number); }
  // Its number in `reader`; 0: it cannot be seen from there.
  uint32_t NumberIn(const PidNamespace& reader) const {
    const bool seen = reader.level <= level && &SpaceAt(reader.level) == &reader;
    return seen ? static_cast<uint32_t>(At(reader.level).number) : 0;
  }

  WaitQueue exit_waiters;  // pidfd pollers: the task has ended (Linux: wait_pidfd)
};

}  // namespace fv::guest
