// SPDX-License-Identifier: Apache-2.0
//
// The same way up as FormatPath of the guest kernel goes. Every link may be wrong: each step makes
// the path longer or leaves a mount, so the walk ends.
#include "src/inspect/mapping_path.h"

#include <cstring>
#include <string_view>

namespace fv::inspect {
namespace {

using proto::GuestPtr;
using proto::NameRecord;

// As many mounts over one another as a path may leave.
constexpr int kMostMounts = 64;
constexpr std::string_view kDeleted = " (deleted)";

bool ReadName(const MemoryReader& memory, GuestPtr address, NameRecord& name) {
  return memory.ReadPtr(address, name) && name.magic == proto::kNameMagic &&
         name.length <= proto::kMostNameBytes;
}

std::string TextOf(const MemoryReader& memory, const NameRecord& name) {
  std::string text;
  if (!proto::InDirectMap(name.text, memory.ram_bytes())) return text;
  const uint64_t gpa = proto::PhysOfDirectMap(name.text);
  if (!memory.Contains(gpa, name.length)) return text;
  for (uint64_t at = gpa; at < gpa + name.length; ++at) {
    text += static_cast<char>(memory.Word(at & ~uint64_t{7}) >> (8 * (at & 7)));
  }
  return text;
}

}  // namespace

std::string MappingPath(const MemoryReader& memory, GuestPtr vma) {
  proto::NamedVmaRecord record;
  NameRecord name;
  if (!memory.ReadPtr(vma, record) || !ReadName(memory, record.name, name)) return "";
  std::string path;
  const bool unlinked = (name.flags & proto::kNameUnlinked) != 0;
  if (name.directory == 0 && name.mount_point == 0) path = TextOf(memory, name);
  for (int mounts = 0; name.directory != 0 || name.mount_point != 0;) {
    GuestPtr up = name.directory;
    if (up == 0) {
      up = name.mount_point;
      if (++mounts > kMostMounts) return "";
    } else {
      path.insert(0, "/" + TextOf(memory, name));
      if (path.size() > kMostPathBytes) return "";
    }
    if (!ReadName(memory, up, name)) return "";
  }
  if (unlinked && !path.empty()) path += kDeleted;
  return path;
}

}  // namespace fv::inspect
