// SPDX-License-Identifier: Apache-2.0
//
// See io_context.h.
#include "guest/task/io_context.h"

#include "guest/mm/slab.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constinit SlabCache<TaskIoContext> g_contexts("blkdev_ioc");

constexpr uint16_t IoPriority(IoClass io_class, unsigned level) {
  return static_cast<uint16_t>(static_cast<unsigned>(io_class) << kIoClassShift | level);
}

}  // namespace

void RegisterIoContexts() { g_contexts.Register(); }

Status CopyIo(IoSharing sharing, const Task& parent, Task& child) {
  TaskIoContext* context = parent.io_context;
  if (context == nullptr) {
    return Ok();
  }
  if (sharing == IoSharing::kShare) {
    ++context->refs;
    child.io_context = context;
    return Ok();
  }
  return IoClassOf(context->priority) != IoClass::kNone ? SetIoPriority(child, context->priority)
                                                        : Ok();
}

void ExitIo(Task& task) {
  if (TaskIoContext* context = task.io_context) {
    task.io_context = nullptr;
    if (--context->refs == 0) {
      g_contexts.Delete(context);
    }
  }
}

uint16_t IoPriorityAsSet(const Task& task) {
  return task.io_context != nullptr ? task.io_context->priority : 0;
}

uint16_t EffectiveIoPriority(const Task& task) {
  const uint16_t set = IoPriorityAsSet(task);
  if (IoClassOf(set) != IoClass::kNone) {
    return set;
  }
  const auto level = static_cast<unsigned>(task.nice + 20) / 5;
  switch (task.policy) {
    case SchedPolicy::kIdle:
      return IoPriority(IoClass::kIdle, level);
    case SchedPolicy::kFifo:
    case SchedPolicy::kRr:
      return IoPriority(IoClass::kRealtime, level);
    default:
      return IoPriority(IoClass::kBestEffort, level);
  }
}

Status SetIoPriority(Task& task, uint16_t priority) {
  if ((task.flags & kPfExiting) != 0) {
    return Ok();
  }
  if (task.io_context == nullptr) {
    task.io_context = g_contexts.New();
    if (task.io_context == nullptr) {
      return Error(ENOMEM);
    }
  }
  task.io_context->priority = priority;
  return Ok();
}

}  // namespace fv::guest
