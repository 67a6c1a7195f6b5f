// SPDX-License-Identifier: Apache-2.0
//
// The pairing heap of timer.h (Fredman, Sedgewick, Sleator, Tarjan: "The pairing heap", 1986).
// Iterative: a kernel stack is 16 KiB and a heap can be one long list of siblings.

#include "guest/task/timer.h"

#include "guest/lib/mutants.h"

namespace fv::guest {

// Both are roots (no siblings, no parent) or nullptr.
Timer* TimerQueue::Meld(Timer* a, Timer* b) {
  if (a == nullptr || b == nullptr) {
    return a != nullptr ? a : b;
  }
  if ((b->deadline_ns < a->deadline_ns) != HasMutant(Mutant::kHeapOrder)) {
    Timer* swap = a;
    a = b;
    b = swap;
  }
  b->prev = a;
  b->next = a->child;
  if (b->next != nullptr) {
    b->next->prev = b;
  }
  a->child = b;
  return a;
}

// Melds a list of siblings into one heap: in pairs from the left, then the pairs from the right.
Timer* TimerQueue::MergePairs(Timer* first) {
  Timer* pairs = nullptr;  // stack of melded pairs, linked by `next`
  while (first != nullptr) {
    Timer* a = first;
    Timer* b = a->next;
    first = b != nullptr ? b->next : nullptr;
    a->next = a->prev = nullptr;
    if (b != nullptr) {
      b->next = b->prev = nullptr;
    }
    Timer* pair = Meld(a, b);
    pair->next = pairs;
    pairs = pair;
  }
  Timer* root = nullptr;
  while (pairs != nullptr) {
    Timer* pair = pairs;
    pairs = pair->next;
    pair->next = nullptr;
    root = Meld(root, pair);
  }
  return root;
}

void TimerQueue::Insert(Timer& timer) {
  timer.child = timer.next = timer.prev = nullptr;
  timer.armed = true;
  root_ = Meld(root_, &timer);
}

void TimerQueue::Remove(Timer& timer) {
  Timer* rest = MergePairs(timer.child);
  if (root_ == &timer) {
    root_ = rest;
  } else {
    if (timer.prev->child == &timer) {
      timer.prev->child = timer.next;
    } else {
      timer.prev->next = timer.next;
    }
    if (timer.next != nullptr) {
      timer.next->prev = timer.prev;
    }
    root_ = Meld(root_, rest);
  }
  timer.child = timer.next = timer.prev = nullptr;
  timer.armed = false;
}

}  // namespace fv::guest
