// SPDX-License-Identifier: Apache-2.0
//
// TaskPollTable: waiters in blocks, since poll(2) may watch any number of files.
#include "guest/fs/poll.h"

#include "guest/fs/file.h"
#include "guest/fs/object.h"
#include "guest/lib/ref.h"

namespace fv::guest {

Waiter* TaskPollTable::NewWaiter() {
  if (inline_count_ < kInline) {
    return &inline_[inline_count_++];
  }
  if (blocks_ == nullptr || blocks_->count == kPerBlock) {
    Block* block = MakeObject<Block>();
    if (block == nullptr) {
      failed_ = true;
      return nullptr;
    }
    block->next = blocks_;
    block->count = 0;
    blocks_ = block;
  }
  return &blocks_->waiters[blocks_->count++];
}

void TaskPollTable::Wait(WaitQueue& queue) {
  Waiter* waiter = NewWaiter();
  if (waiter == nullptr) {
    return;
  }
  waiter->task = CurrentTask();
  waiter->key = AddressOf(file_);
  if (file_ != nullptr) {
    file_->AddRef();
  }
  queue.Add(*waiter);
}

void TaskPollTable::Leave(Waiter& waiter) {
  WaitQueue::Remove(waiter);
  if (waiter.key != 0) {
    reinterpret_cast<File*>(waiter.key)->Release();
  }
}

void TaskPollTable::Clear() {
  for (size_t i = 0; i < inline_count_; ++i) {
    Leave(inline_[i]);
  }
  inline_count_ = 0;
  while (blocks_ != nullptr) {
    Block* next = blocks_->next;
    for (size_t i = 0; i < blocks_->count; ++i) {
      Leave(blocks_->waiters[i]);
    }
    DestroyObject(blocks_);
    blocks_ = next;
  }
}

}  // namespace fv::guest
