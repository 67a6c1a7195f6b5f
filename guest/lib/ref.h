// SPDX-License-Identifier: Apache-2.0
//
// Ref<T>: a counted reference. T has AddRef() and Release(); Release frees at zero. Objects start
// with a count of one, taken over by Ref<T>::Adopt.
#pragma once

#include <cstddef>
#include <utility>

namespace fv::guest {

template <typename T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}  // NOLINT: implicit
  explicit Ref(T& object) : object_(&object) { object.AddRef(); }
  Ref(const Ref& other) : object_(other.object_) {
    if (object_ != nullptr) {
      object_->AddRef();
    }
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    // The analyzer believes that a return inside TRY destroys what TRY was to initialize.
    if (object_ != nullptr) {  // NOLINT(clang-analyzer-core.*): above
      object_->Release();
    }
  }
  // Takes over a reference that the caller holds.
  static Ref Adopt(T* object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  // Gives the reference away; the caller owns it now.
  [[nodiscard]] T* Leak() { return std::exchange(object_, nullptr); }

 private:
  T* object_ = nullptr;
};

}  // namespace fv::guest
