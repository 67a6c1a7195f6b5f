// SPDX-License-Identifier: Apache-2.0
//
// OutputProcessor: what a terminal makes of a byte that a program writes (termios(3), c_oflag), and
// the column of the cursor that follows from it. Pure.
#pragma once

#include <asm/termbits.h>

#include <cstddef>
#include <cstdint>

namespace fv::guest {

class OutputProcessor {
 public:
  // A byte becomes at most this many: a tab that is expanded (XTABS).
  static constexpr size_t kMaxExpansion = 8;

  // Puts what `byte` becomes into `out`; returns how many bytes.
  size_t Expand(const struct termios& settings, uint8_t byte, uint8_t (&out)[kMaxExpansion]);
  unsigned column() const { return column_; }

 private:
  unsigned column_ = 0;
};

}  // namespace fv::guest
