// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value or a Linux error number. Every operation of the kernel that can fail returns
// one; nothing throws. TRY(expression) yields the value or returns the error to the caller.
//
//   Result<Pfn> pfn = frames.Allocate(...);
//   Task* task = TRY(AllocateTask());
//   return Error(EINVAL);
#pragma once

#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "guest/lib/errno.h"

namespace fv::guest {

// An error number, 1..4095 (or one of the kErestart codes).
class [[nodiscard]] Error {
 public:
  constexpr explicit Error(int number) : number_(number) {}
  constexpr int number() const { return number_; }
  constexpr bool operator==(const Error&) const = default;

 private:
  int number_;
};

template <typename T = void>
class [[nodiscard]] Result {
  static_assert(std::is_trivially_destructible_v<T> || std::is_move_constructible_v<T>);

 public:
  constexpr Result(Error error) : error_(error.number()) {}           // NOLINT: implicit
  constexpr Result(T value) : error_(0), value_(std::move(value)) {}  // NOLINT: implicit
  constexpr Result(Result&& other) noexcept : error_(other.error_) {
    if (error_ == 0) {
      new (&value_) T(std::move(other.value_));
    }
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  Result& operator=(Result&&) = delete;
  constexpr ~Result() {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      if (error_ == 0) {
        value_.~T();
      }
    }
  }

  constexpr bool ok() const { return error_ == 0; }
  constexpr Error error() const { return Error(error_); }
  // REQUIRES: ok().
  constexpr T& value() { return value_; }
  constexpr const T& value() const { return value_; }
  constexpr T take() { return std::move(value_); }

 private:
  int error_;
  union {
    T value_;
  };
};

template <>
class [[nodiscard]] Result<void> {
 public:
  constexpr Result() : error_(0) {}
  constexpr Result(Error error) : error_(error.number()) {}  // NOLINT: implicit
  constexpr bool ok() const { return error_ == 0; }
  constexpr Error error() const { return Error(error_); }
  constexpr void take() const {}

 private:
  int error_;
};

using Status = Result<void>;
inline constexpr Status Ok() { return Status(); }

}  // namespace fv::guest

// The value of `expression`, or a return of its error from the enclosing function. Not in the
// braces of an array or aggregate with owners before it: Clang (up to 18) does not destroy those
// then.
#define TRY(expression)              \
  ({                                 \
    auto try_result_ = (expression); \
    if (!try_result_.ok()) {         \
      return try_result_.error();    \
    }                                \
    try_result_.take();              \
  })
