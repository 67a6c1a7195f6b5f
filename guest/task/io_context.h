// SPDX-License-Identifier: Apache-2.0
//
// I/O priorities (ioprio_set(2)). A task that has one has an I/O context (Linux: struct
// io_context), which CLONE_IO shares and fork copies. No device orders its requests by them here:
// they are set, inherited and told.
// Locking: the count and the pointer by the task; one vCPU needs none.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

class Task;

struct TaskIoContext {
  uint32_t refs = 1;      // tasks
  uint16_t priority = 0;  // class << 13 | hint << 3 | level
};

enum class IoClass : uint16_t { kNone = 0, kRealtime = 1, kBestEffort = 2, kIdle = 3 };
inline constexpr unsigned kIoClassShift = 13;
inline constexpr uint16_t kIoClassMask = 7;
inline constexpr uint16_t kIoLevelMask = 7;

constexpr IoClass IoClassOf(uint32_t priority) {
  return static_cast<IoClass>(priority >> kIoClassShift & kIoClassMask);
}

void RegisterIoContexts();
// CLONE_IO shares the parent's context; otherwise one that says something is copied. Errors:
// ENOMEM.
enum class IoSharing { kShare, kCopy };
Status CopyIo(IoSharing sharing, const Task& parent, Task& child);
void ExitIo(Task& task);

// What was set; 0 if nothing was.
uint16_t IoPriorityAsSet(const Task& task);
// What counts: without a class, it follows policy and nice value.
uint16_t EffectiveIoPriority(const Task& task);
// A task that exits keeps none, which is no error. Errors: ENOMEM.
Status SetIoPriority(Task& task, uint16_t priority);

}  // namespace fv::guest
