// SPDX-License-Identifier: Apache-2.0
//
// Writes a file tree as a newc archive.
#include <sys/stat.h>

#include <array>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/rootfs/cpio.h"

namespace fv::rootfs {
namespace {

constexpr std::string_view kTrailer = "TRAILER!!!";

uint32_t TypeBits(NodeType type) {
  switch (type) {
    case NodeType::kFile:
      return S_IFREG;
    case NodeType::kDirectory:
      return S_IFDIR;
    case NodeType::kSymlink:
      return S_IFLNK;
    case NodeType::kCharDevice:
      return S_IFCHR;
    case NodeType::kBlockDevice:
      return S_IFBLK;
    case NodeType::kFifo:
      return S_IFIFO;
  }
  return S_IFREG;
}

void Pad(std::string& out) { out.resize((out.size() + 3) / 4 * 4, '\0'); }

struct Member {
  std::string_view name;
  const Node& node;
  uint32_t inode;
  uint32_t links;
  std::string_view data;
};

void Append(std::string& out, const Member& member) {
  const Node& node = member.node;
  const std::array<uint32_t, 13> fields = {
      member.inode,
      TypeBits(node.type) | (node.permissions & 07777),
      node.uid,
      node.gid,
      member.links,
      node.mtime,
      static_cast<uint32_t>(member.data.size()),
      0,  // major and minor of the device that holds the file: none
      0,
      node.device_major,
      node.device_minor,
      static_cast<uint32_t>(member.name.size() + 1),
      0,  // checksum: only in the "crc" variant
  };
  out += "070701";
  for (uint32_t field : fields) absl::StrAppend(&out, absl::Hex(field, absl::kZeroPad8));
  out += member.name;
  out += '\0';
  Pad(out);
  out += member.data;
  Pad(out);
}

struct LinkCount {
  uint32_t inode = 0;
  uint32_t total = 0;
  uint32_t seen = 0;
};

}  // namespace

absl::StatusOr<std::string> WriteCpio(const FileTree& tree) {
  std::map<const Node*, LinkCount> links;
  uint32_t inode = 0;
  size_t bytes = 0;
  for (const auto& [path, node] : tree.nodes()) {
    if (node->content.size() > kMaxMemberBytes) {
      return absl::OutOfRangeError(
          absl::StrFormat("%s has %d bytes: the root file system's format ends at 4 GiB a file",
                          path, node->content.size()));
    }
    LinkCount& count = links[node.get()];
    if (count.total++ == 0) count.inode = ++inode;
    bytes += 128 + path.size() + (count.total == 1 ? node->content.size() : 0);
  }
  std::string out;
  out.reserve(bytes);
  for (const auto& [path, node] : tree.nodes()) {
    if (path == "/") continue;
    LinkCount& count = links[node.get()];
    bool last = ++count.seen == count.total;
    uint32_t total = node->type == NodeType::kDirectory ? 2 : count.total;
    std::string_view data = last ? std::string_view(node->content) : std::string_view();
    Append(out, {std::string_view(path).substr(1), *node, count.inode, total, data});
  }
  Append(out, {kTrailer, Node{.permissions = 0}, 0, 1, ""});
  return out;
}

}  // namespace fv::rootfs
