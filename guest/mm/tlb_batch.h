// SPDX-License-Identifier: Apache-2.0
//
// TlbBatch: collects the range in which an operation took permissions or frames away, and flushes
// once at its end. Frames may be freed before the flush: kernel code is atomic on the one vCPU, no
// user instruction runs until the batch is finished. A second vCPU would have to keep them until
// then.
#pragma once

#include <cstdint>

#include "guest/mm/mm.h"

namespace fv::guest {

class TlbBatch {
 public:
  explicit TlbBatch(Mm& mm) : mm_(mm) {}
  TlbBatch(const TlbBatch&) = delete;
  TlbBatch& operator=(const TlbBatch&) = delete;
  ~TlbBatch() { Finish(); }

  // [start, end) has entries that allow less than before, or another frame.
  void Add(uint64_t start, uint64_t end) {
    start_ = start < start_ ? start : start_;
    end_ = end > end_ ? end : end_;
  }
  void Add(uint64_t page) { Add(page, page + proto::kPageBytes); }
  // Flushes what was added, with a Flush event; nothing if nothing was.
  void Finish();

 private:
  Mm& mm_;
  uint64_t start_ = ~uint64_t{0};
  uint64_t end_ = 0;
};

}  // namespace fv::guest
