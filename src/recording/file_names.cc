// SPDX-License-Identifier: Apache-2.0
#include "src/recording/file_names.h"

#include "src/inspect/mapping_path.h"
#include "src/recording/printable.h"

namespace fv::recording {

uint32_t FileNames::IdOf(proto::GuestPtr vma, schema::Change& change) {
  const std::string path = Printable(inspect::MappingPath(memory_, vma));
  if (path.empty()) return 0;
  if (const auto known = ids_.find(path); known != ids_.end()) return known->second;
  if (ids_.size() >= kMost) return 0;
  const auto id = static_cast<uint32_t>(ids_.size() + 1);
  ids_[path] = id;
  schema::FileName& name = *change.add_file_names();
  name.set_id(id);
  name.set_path(path);
  return id;
}

}  // namespace fv::recording
