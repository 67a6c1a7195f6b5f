// SPDX-License-Identifier: Apache-2.0
//
// Intrusive circular list over proto::Link, so that the host can walk the kernel's lists. The list
// owns nothing; an object is on at most one list per Link. A Link that is on no list is {0, 0}.
// Locking: the caller's.
//
//   List<Task, &proto::TaskRecord::tasks> all_tasks;   // T derives from the record
//   for (Task& task : all_tasks) { ... }
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/records.h"

namespace fv::guest {

inline uint64_t AddressOf(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

inline bool IsLinked(const proto::Link& link) { return link.next != 0; }

inline proto::Link* NextLink(const proto::Link& link) {
  return reinterpret_cast<proto::Link*>(link.next);
}

// REQUIRES: `link` is on no list.
inline void InsertBetween(proto::Link& link, proto::Link* prev, proto::Link* next) {
  link.prev = AddressOf(prev);
  link.next = AddressOf(next);
  prev->next = AddressOf(&link);
  next->prev = AddressOf(&link);
}

// Removes `link` from the list that it is on, if any.
inline void Unlink(proto::Link& link) {
  if (!IsLinked(link)) {
    return;
  }
  reinterpret_cast<proto::Link*>(link.prev)->next = link.next;
  reinterpret_cast<proto::Link*>(link.next)->prev = link.prev;
  link = {0, 0};
}

inline void InitHead(proto::Link& head) { head = {AddressOf(&head), AddressOf(&head)}; }

// A head of static storage that whoever comes first makes ready.
inline proto::Link& ReadyHead(proto::Link& head) {
  if (!IsLinked(head)) {
    InitHead(head);
  }
  return head;
}

// A view of a list whose head is a Link somewhere else (in a record).
template <typename T, auto Member>
class ListView {
 public:
  explicit ListView(proto::Link& head) : head_(&head) {}

  class Iterator {
   public:
    explicit Iterator(proto::Link* at) : at_(at) {}
    T& operator*() const { return *FromLink(at_); }
    T* operator->() const { return FromLink(at_); }
    Iterator& operator++() {
      at_ = NextLink(*at_);
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    proto::Link* at_;
  };

  Iterator begin() const { return Iterator(NextLink(*head_)); }
  Iterator end() const { return Iterator(head_); }
  bool empty() const { return head_->next == AddressOf(head_); }
  T* front() const { return empty() ? nullptr : FromLink(NextLink(*head_)); }
  T* back() const {
    return empty() ? nullptr : FromLink(reinterpret_cast<proto::Link*>(head_->prev));
  }
  void PushBack(T& object) {
    InsertBetween(object.*Member, reinterpret_cast<proto::Link*>(head_->prev), head_);
  }
  void PushFront(T& object) { InsertBetween(object.*Member, head_, NextLink(*head_)); }
  void InsertAfter(T& where, T& object) {
    InsertBetween(object.*Member, &(where.*Member), NextLink(where.*Member));
  }
  static void Remove(T& object) { Unlink(object.*Member); }
  // The neighbours of `object`, or nullptr at the ends.
  T* Next(T& object) const { return Neighbour((object.*Member).next); }
  T* Prev(T& object) const { return Neighbour((object.*Member).prev); }

  static T* FromLink(proto::Link* link) {
    constexpr uintptr_t kProbe = 0x10000;
    const uintptr_t member = reinterpret_cast<uintptr_t>(&(reinterpret_cast<T*>(kProbe)->*Member));
    return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(link) - (member - kProbe));
  }

 private:
  T* Neighbour(proto::GuestPtr at) const {
    proto::Link* link = reinterpret_cast<proto::Link*>(at);
    return link == head_ ? nullptr : FromLink(link);
  }

  proto::Link* head_;
};

// A list that holds its head. Not movable: the members point at it. Call Init() before use where
// it has static storage (the kernel runs no constructors).
template <typename T, auto Member>
class List : public ListView<T, Member> {
 public:
  List() : ListView<T, Member>(link_) { InitHead(link_); }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  proto::Link& head() { return link_; }

 private:
  proto::Link link_;
};

}  // namespace fv::guest
