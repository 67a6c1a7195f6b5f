// SPDX-License-Identifier: Apache-2.0
//
// ScopeGuard: undoes a step when its scope is left before Dismiss(). A half-made child is undone
// by the guards that made it, in reverse order; the last statement of success dismisses them.
#pragma once

#include <utility>

namespace fv::guest {

template <typename F>
class [[nodiscard]] ScopeGuard {
 public:
  explicit ScopeGuard(F undo) : undo_(std::move(undo)) {}
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;
  ~ScopeGuard() {
    if (armed_) {
      undo_();
    }
  }
  void Dismiss() { armed_ = false; }

 private:
  F undo_;
  bool armed_ = true;
};

}  // namespace fv::guest
