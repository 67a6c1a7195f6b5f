// SPDX-License-Identifier: Apache-2.0
//
// epoll(7): items, the ready list, edge and level triggering.
#include "guest/fs/epoll.h"

#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "guest/fs/anonymous.h"
#include "guest/fs/object.h"
#include "guest/fs/text_buffer.h"

namespace fv::guest {

namespace {

constexpr unsigned kMaxDepth = 4;  // Linux: EP_MAX_NESTS
// Bits that are no events; a disabled one-shot item has nothing else left. Any other one also wants
// kAlways, whatever was asked for.
constexpr uint32_t kBehaviour =
    static_cast<uint32_t>(EPOLLWAKEUP) | static_cast<uint32_t>(EPOLLONESHOT) |
    static_cast<uint32_t>(EPOLLET) | static_cast<uint32_t>(EPOLLEXCLUSIVE);
constexpr uint32_t kAlways = static_cast<uint32_t>(EPOLLERR) | static_cast<uint32_t>(EPOLLHUP);

using Watchers = ListView<EpollItem, &EpollItem::watchers>;

Watchers WatchersOf(File& file) {
  if (!IsLinked(file.epoll_items)) {
    InitHead(file.epoll_items);
  }
  return Watchers(file.epoll_items);
}

}  // namespace

EpollItem::EpollItem(EpollFile& of, File& watched, int number, const EpollEvent& wanted)
    : owner(of), file(watched), fd(number), event{wanted.events | kAlways, wanted.data} {
  WatchersOf(file).PushBack(*this);
}

EpollItem::~EpollItem() {
  Leave();
  Unlink(items);
  Unlink(ready);
  Unlink(watchers);
}

void EpollItem::Leave() {
  for (unsigned i = 0; i < waiter_count_; ++i) {
    WaitQueue::Remove(waiters_[i]);
  }
  waiter_count_ = 0;
}

void EpollItem::Wait(WaitQueue& queue) {
  FV_CHECK(waiter_count_ < kMaxQueues);
  Waiter& waiter = waiters_[waiter_count_++];
  waiter.key = AddressOf(this);
  waiter.on_wake = OnWake;
  waiter.exclusive = (event.events & static_cast<uint32_t>(EPOLLEXCLUSIVE)) != 0;
  queue.Add(waiter);
}

bool EpollItem::OnWake(Waiter& waiter) {
  EpollItem& item = *reinterpret_cast<EpollItem*>(waiter.key);
  const bool slept_for = !item.owner.sleepers.empty();
  item.owner.MarkReady(item);
  // Only an exclusive waiter's file is asked: it is no epoll set (epoll_ctl(2)), so the question
  // changes no queue.
  return waiter.exclusive && slept_for && (item.file.Poll(nullptr) & item.event.events) != 0;
}

uint32_t EpollItem::Refresh() {
  Leave();
  return file.Poll(this) & event.events & ~kBehaviour;
}

void EpollFile::MarkReady(EpollItem& item) {
  if (!IsLinked(item.ready)) {
    ready_.PushBack(item);
  }
  sleepers.WakeAll();
}

void EpollFile::Remove(EpollItem& item) {
  --item_count_;
  DestroyObject(&item);
}

EpollItem* EpollFile::Find(const File& file, int fd) {
  for (EpollItem& item : items_) {
    if (&item.file == &file && item.fd == fd) {
      return &item;
    }
  }
  return nullptr;
}

bool EpollFile::Watches(const EpollFile& other, unsigned depth) const {
  if (depth > kMaxDepth) {
    return true;  // it would not be there: too deep to be added
  }
  for (const EpollItem& item : items_) {
    const EpollFile* inner = EpollOf(item.file);
    if (inner != nullptr && (inner == &other || inner->Watches(other, depth + 1))) {
      return true;
    }
  }
  return false;
}

unsigned EpollFile::DepthBelow() const {
  unsigned deepest = 0;
  for (const EpollItem& item : items_) {
    const EpollFile* inner = EpollOf(item.file);
    const unsigned depth = inner == nullptr ? 0 : 1 + inner->DepthBelow();
    deepest = depth > deepest ? depth : deepest;
  }
  return deepest;
}

unsigned EpollFile::DepthAbove() {
  unsigned deepest = 0;
  for (const EpollItem& item : WatchersOf(*this)) {
    const unsigned depth = 1 + item.owner.DepthAbove();
    deepest = depth > deepest ? depth : deepest;
  }
  return deepest;
}

Status EpollFile::Add(File& file, int fd, const EpollEvent& event) {
  if (Find(file, fd) != nullptr) {
    return Error(EEXIST);
  }
  const EpollFile* inner = EpollOf(file);
  if (inner != nullptr &&
      (inner->Watches(*this, 0) || DepthAbove() + 1 + inner->DepthBelow() > kMaxDepth)) {
    return Error(ELOOP);
  }
  EpollItem* item = MakeObject<EpollItem>(*this, file, fd, event);
  if (item == nullptr) {
    return Error(ENOMEM);
  }
  items_.PushBack(*item);
  ++item_count_;
  if (item->Refresh() != 0) {
    MarkReady(*item);
  }
  return Ok();
}

Status EpollFile::Modify(File& file, int fd, const EpollEvent& event) {
  EpollItem* item = Find(file, fd);
  if (item == nullptr) {
    return Error(ENOENT);
  }
  if ((item->event.events & static_cast<uint32_t>(EPOLLEXCLUSIVE)) != 0) {
    return Error(EINVAL);
  }
  item->event = {event.events | kAlways, event.data};
  if (item->Refresh() != 0) {
    MarkReady(*item);
  }
  return Ok();
}

Status EpollFile::Delete(File& file, int fd) {
  EpollItem* item = Find(file, fd);
  if (item == nullptr) {
    return Error(ENOENT);
  }
  Remove(*item);
  return Ok();
}

bool EpollFile::AnyReady() {
  while (EpollItem* item = ready_.front()) {
    if (item->Refresh() != 0) {
      return true;
    }
    Unlink(item->ready);
  }
  return false;
}

unsigned EpollFile::Collect(EpollEvent* out, unsigned room) {
  List<EpollItem, &EpollItem::ready> again;
  unsigned count = 0;
  while (count < room) {
    EpollItem* item = ready_.front();
    if (item == nullptr) {
      break;
    }
    Unlink(item->ready);
    const uint32_t events = item->Refresh();
    if (events == 0) {
      continue;
    }
    out[count++] = {events, item->event.data};
    if ((item->event.events & static_cast<uint32_t>(EPOLLONESHOT)) != 0) {
      item->event.events &= kBehaviour;
    } else if ((item->event.events & static_cast<uint32_t>(EPOLLET)) == 0) {
      Unlink(item->ready);  // asking the file may have made it ready anew
      again.PushBack(*item);
    }
  }
  while (EpollItem* item = again.front()) {
    Unlink(item->ready);
    ready_.PushBack(*item);
  }
  return count;
}

uint32_t EpollFile::Poll(PollTable* table) {
  if (table != nullptr) {
    table->Wait(sleepers);
  }
  constexpr uint32_t kReadable = EPOLLIN | EPOLLRDNORM;
  return AnyReady() ? kReadable : 0;
}

void EpollFile::ShowInfo(TextBuffer& out) {
  for (const EpollItem& item : items_) {
    const Inode& inode = item.file.inode();
    out.Add("tfd: %8d events: %8x data: %16lx  pos:%lu ino:%lx sdev:%x\n", item.fd,
            item.event.events, static_cast<unsigned long>(item.event.data), item.file.position(),
            inode.number(), inode.superblock().device);
  }
}

void EpollFile::OnLastClose() {
  while (EpollItem* item = items_.front()) {
    Remove(*item);
  }
}

void EpollFile::Destroy() { DestroyObject(this); }

Result<Ref<File>> MakeEpoll() {
  Ref<Dentry> dentry = TRY(MakeAnonymousDentry("anon_inode:[eventpoll]"));
  EpollFile* file = MakeObject<EpollFile>(std::move(dentry), uint32_t{O_RDWR});
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

EpollFile* EpollOf(File& file) { return file.IsEpoll() ? &static_cast<EpollFile&>(file) : nullptr; }

void ForgetEpollItems(File& file) {
  if (!IsLinked(file.epoll_items)) {
    return;
  }
  while (EpollItem* item = WatchersOf(file).front()) {
    item->owner.Remove(*item);
  }
}

}  // namespace fv::guest
