// SPDX-License-Identifier: Apache-2.0
//
// Vma: one mapping of an address space, on the address space's list (by address) and in its search
// tree. Its record is what the host reads. Created, split, merged and destroyed by Mm only.
// Locking: the address space's lock (Linux: mmap_lock); links by the lock of their list.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/ref.h"
#include "guest/mm/memory_object.h"
#include "proto/mapping_names.h"

namespace fv::guest {

class Mm;

// Bits of Vma::flags that mprotect changes; also the bits of Vma::may.
inline constexpr uint64_t kVmAccess = proto::kVmRead | proto::kVmWrite | proto::kVmExec;

// What a file mapping shows in /proc/PID/maps. The file system implements it (a name in a
// directory); a VMA holds a reference. The host reads the name as a record.
class MappingSource : public proto::NameRecord {
 public:
  virtual void AddRef() = 0;
  virtual void Release() = 0;
  // Writes the path, without a NUL, cut at `capacity`; returns its length.
  virtual size_t MappingPath(char* out, size_t capacity) const = 0;
  virtual uint64_t MappingDevice() const = 0;  // as st_dev
  virtual uint64_t MappingInode() const = 0;

 protected:
  MappingSource() : proto::NameRecord{.magic = proto::kNameMagic} {}
  ~MappingSource() = default;
};

struct Vma : proto::NamedVmaRecord {
  uint64_t may = 0;  // kVmAccess bits that mprotect may grant
  // Of a mapping with a lineage: which generation of it (lineage.h). 0 without one.
  uint64_t branch = 0;

  // `name`, of which the mapping has a reference; nullptr for anonymous memory.
  MappingSource* source() const {
    return static_cast<MappingSource*>(reinterpret_cast<proto::NameRecord*>(name));
  }
  MemoryObject* memory_object() const { return reinterpret_cast<MemoryObject*>(object); }
  uint64_t page_count() const { return (end - start) >> 12; }
  bool Contains(uint64_t address) const { return start <= address && address < end; }
  // Page index of an address in the object, or in the lineage (lineage.h).
  uint64_t ObjectIndex(uint64_t address) const { return page_offset + ((address - start) >> 12); }
  bool is_shared() const { return (flags & proto::kVmShared) != 0; }
  bool is_accessible() const { return (flags & kVmAccess) != 0; }
};

}  // namespace fv::guest
