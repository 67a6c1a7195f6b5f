// SPDX-License-Identifier: Apache-2.0
//
// Names of mapped files, told once each. Read only where a mapping is told anew: what a mapping
// shows stays the same for as long as it has the same object.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "proto/recording.pb.h"
#include "src/inspect/memory_reader.h"

namespace fv::recording {

class FileNames {
 public:
  explicit FileNames(const inspect::MemoryReader& memory) : memory_(memory) {}

  // FileName.id of what the VmaRecord at `vma` shows, which is added to `change` if it is new.
  // 0: it has no name, or there are too many.
  uint32_t IdOf(proto::GuestPtr vma, schema::Change& change);

  // A guest may make up names for ever.
  static constexpr size_t kMost = 16384;

 private:
  inspect::MemoryReader memory_;
  std::map<std::string, uint32_t> ids_;
};

}  // namespace fv::recording
