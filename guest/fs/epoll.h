// SPDX-License-Identifier: Apache-2.0
//
// epoll(7). An EpollFile holds one item for each watched (file, descriptor). An item sits on the
// file's wait queues; a wake-up puts it on the ready list, from which epoll_wait takes it, asks the
// file again, and reports. Level-triggered items go back to the list's end while they are ready.
// Locking: ep->mtx would guard items, ep->lock the ready list.
#pragma once

#include <cstdint>

#include "guest/fs/file.h"
#include "guest/fs/poll.h"
#include "guest/lib/list.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

// struct epoll_event, which is packed on x86-64.
struct [[gnu::packed]] EpollEvent {
  uint32_t events;
  uint64_t data;
};
static_assert(sizeof(EpollEvent) == 12);

class EpollFile;

class EpollItem final : public PollTable {
 public:
  EpollItem(EpollFile& owner, File& file, int fd, const EpollEvent& event);
  ~EpollItem();
  EpollItem(const EpollItem&) = delete;
  EpollItem& operator=(const EpollItem&) = delete;
  // Called by the file's Poll().
  void Wait(WaitQueue& queue) override;
  // Joins the file's queues again and returns the events that are there and wanted.
  uint32_t Refresh();

  EpollFile& owner;
  File& file;
  const int fd;
  EpollEvent event;
  proto::Link items{0, 0};     // of the owner
  proto::Link ready{0, 0};     // on the owner's ready list
  proto::Link watchers{0, 0};  // on File::epoll_items

 private:
  static constexpr unsigned kMaxQueues = 4;  // that one file registers
  static bool OnWake(Waiter& waiter);
  void Leave();
  Waiter waiters_[kMaxQueues];
  unsigned waiter_count_ = 0;
};

class EpollFile final : public File {
 public:
  EpollFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  // epoll_ctl(2). Errors: EEXIST, ENOENT, ENOMEM, EINVAL, ELOOP.
  Status Add(File& file, int fd, const EpollEvent& event);
  Status Modify(File& file, int fd, const EpollEvent& event);
  Status Delete(File& file, int fd);
  // Something is ready; drops what is not from the ready list's front.
  bool AnyReady();
  // Takes up to `room` events. Never waits.
  unsigned Collect(EpollEvent* out, unsigned room);
  // noop_llseek: the position stays where it is.
  Result<uint64_t> Seek(int64_t, int) override { return position(); }
  uint32_t Poll(PollTable* table) override;
  bool IsEpoll() const override { return true; }
  unsigned item_count() const { return item_count_; }
  void ShowInfo(TextBuffer& out) override;

  void MarkReady(EpollItem& item);
  void Remove(EpollItem& item);
  // `other` is watched by this one, over any number of steps (at most kMaxDepth).
  bool Watches(const EpollFile& other, unsigned depth) const;
  // Sets within sets: steps to the deepest one watched by this, and to the topmost watching this.
  unsigned DepthBelow() const;
  unsigned DepthAbove();

  WaitQueue sleepers;  // in epoll_wait

 private:
  EpollItem* Find(const File& file, int fd);
  void OnLastClose() override;
  void Destroy() override;
  List<EpollItem, &EpollItem::items> items_;
  List<EpollItem, &EpollItem::ready> ready_;
  unsigned item_count_ = 0;
};

Result<Ref<File>> MakeEpoll();
EpollFile* EpollOf(File& file);
// The file is closed: whoever watches it forgets it.
void ForgetEpollItems(File& file);

}  // namespace fv::guest
