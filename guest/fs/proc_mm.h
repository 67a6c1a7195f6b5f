// SPDX-License-Identifier: Apache-2.0
//
// Address spaces as /proc sees them: a counted reference, and the sums over the mappings.
#pragma once

#include <cstdint>
#include <utility>

#include "guest/fs/proc_source.h"
#include "guest/mm/mm.h"

namespace fv::guest {

class TextBuffer;

// Owns one user of an Mm (Mm::Get, Mm::Put); may be empty.
class MmRef {
 public:
  explicit MmRef(Mm* mm) : mm_(mm) {}
  MmRef(MmRef&& other) : mm_(std::exchange(other.mm_, nullptr)) {}
  MmRef& operator=(const MmRef&) = delete;
  ~MmRef() {
    if (mm_ != nullptr) {  // NOLINT(clang-analyzer-core.*): as in ~Ref
      mm_->Put();
    }
  }
  Mm* get() const { return mm_; }
  Mm& operator*() const { return *mm_; }
  explicit operator bool() const { return mm_ != nullptr; }

 private:
  Mm* mm_;
};

// GetTaskMm without the access check of its errors: nullptr for whatever has no memory to show.
inline Mm* GetTaskMmOrNull(uint32_t task) {
  Result<Mm*> mm = GetTaskMm(task);
  return mm.ok() ? mm.value() : nullptr;
}

struct MmNumbers {  // in pages; addresses in bytes
  uint64_t virtual_pages, resident_pages, file_pages, anon_pages, locked_pages;
  uint64_t peak_virtual, peak_resident;
  uint64_t code_pages, lib_pages, data_pages, stack_pages, table_pages;
  uint64_t start_code, end_code, start_data, end_data, start_brk, start_stack;
};
// All zero for nullptr.
MmNumbers NumbersOf(const Mm* mm);
// The line of /proc/PID/maps and the head of an entry in smaps.
void AddMappingLine(TextBuffer& out, const Mm& mm, const Vma& vma);
// Present pages of shared memory (RssShmem).
uint64_t SharedMemoryPages(const Mm& mm);

}  // namespace fv::guest
