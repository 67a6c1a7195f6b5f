// SPDX-License-Identifier: Apache-2.0
//
// Directories get their final modes and times last, so that a read-only one can be filled.
#include "src/rootfs/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <unordered_map>

#include "absl/strings/str_cat.h"

namespace fv::rootfs {
namespace {

constexpr mode_t kWhileFilling = 0700;

absl::Status Failed(const std::string& path) { return absl::ErrnoToStatus(errno, path); }

absl::Status WriteFile(const std::string& path, const std::string& content) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Failed(path);
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t written = write(fd, content.data() + done, content.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    done += static_cast<size_t>(written);
  }
  absl::Status status = done == content.size() ? absl::OkStatus() : Failed(path);
  close(fd);
  return status;
}

mode_t DeviceType(NodeType type) {
  if (type == NodeType::kFifo) return S_IFIFO;
  return type == NodeType::kCharDevice ? S_IFCHR : S_IFBLK;
}

absl::Status Make(const std::string& path, const Node& node) {
  switch (node.type) {
    case NodeType::kFile:
      return WriteFile(path, node.content);
    case NodeType::kDirectory:
      return mkdir(path.c_str(), kWhileFilling) == 0 || errno == EEXIST ? absl::OkStatus()
                                                                        : Failed(path);
    case NodeType::kSymlink:
      return symlink(node.content.c_str(), path.c_str()) == 0 ? absl::OkStatus() : Failed(path);
    default: {
      const dev_t device = makedev(node.device_major, node.device_minor);
      const bool made = mknod(path.c_str(), DeviceType(node.type) | 0600, device) == 0;
      return made || errno == EPERM ? absl::OkStatus() : Failed(path);
    }
  }
}

// Owner before mode: a change of owner takes the set-user-id bit away.
void SetAttributes(const std::string& path, const Node& node) {
  (void)!lchown(path.c_str(), node.uid, node.gid);
  if (node.type != NodeType::kSymlink) (void)chmod(path.c_str(), node.permissions);
  const timespec time{.tv_sec = node.mtime, .tv_nsec = 0};
  const timespec times[] = {time, time};
  (void)utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

}  // namespace

absl::Status Unpack(const FileTree& tree, const std::string& directory) {
  std::unordered_map<const Node*, std::string> made;
  for (const auto& [name, node] : tree.nodes()) {
    const std::string path = absl::StrCat(directory, name);
    const auto [first, is_new] = made.emplace(node.get(), path);
    if (!is_new && node->type != NodeType::kDirectory) {
      if (link(first->second.c_str(), path.c_str()) != 0) return Failed(path);
      continue;
    }
    if (absl::Status status = Make(path, *node); !status.ok()) return status;
    if (node->type != NodeType::kDirectory) SetAttributes(path, *node);
  }
  for (auto at = tree.nodes().rbegin(); at != tree.nodes().rend(); ++at) {
    if (at->second->type == NodeType::kDirectory) {
      SetAttributes(absl::StrCat(directory, at->first), *at->second);
    }
  }
  return absl::OkStatus();
}

}  // namespace fv::rootfs
