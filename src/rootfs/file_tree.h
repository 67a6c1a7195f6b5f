// SPDX-License-Identifier: Apache-2.0
//
// A root file system in memory, on its way into the guest: absolute normalised paths to nodes.
// A node that stands under two paths is a hard link. Invariants: "/" exists, the parent of every
// path is a directory of the tree. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fv::rootfs {

enum class NodeType : uint8_t { kFile, kDirectory, kSymlink, kCharDevice, kBlockDevice, kFifo };

struct Node {
  NodeType type = NodeType::kFile;
  uint32_t permissions = 0644;  // the low 12 bits of st_mode
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t mtime = 0;  // seconds since the epoch; newc has 32 bits
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
  // A file's bytes, or where a symbolic link points to. Empty for the others.
  std::string content;
};
using NodePtr = std::shared_ptr<const Node>;

// "/a//b/./../c" -> "/a/c"; relative paths are taken from `base`. Works on names alone.
std::string NormalizePath(std::string_view path, std::string_view base = "/");
std::string_view BaseName(std::string_view path);
std::string_view ParentPath(std::string_view path);

class FileTree {
 public:
  // As Linux: more links than this in one look-up is a loop (path_resolution(7)).
  static constexpr int kMaxLinks = 40;

  FileTree();

  // Puts `node` at `path`, through the links that its directories may be; missing directories are
  // made (0755). Replaces what is not a directory; a directory given twice keeps its entries.
  // FailedPrecondition if a directory of the path is something else.
  absl::Status Add(std::string_view path, Node node);
  absl::Status AddDirectory(std::string_view path, uint32_t permissions = 0755);
  absl::Status AddFile(std::string_view path, std::string content, uint32_t permissions = 0644);
  absl::Status AddSymlink(std::string_view path, std::string_view target);
  // `path` becomes another name of the node at `existing`.
  absl::Status AddHardLink(std::string_view path, std::string_view existing);

  // The path with every symbolic link followed. NotFound, or FailedPrecondition (a loop, or a
  // directory that is none).
  absl::StatusOr<std::string> Resolve(std::string_view path) const;
  // The node at a path, links followed; null if there is none.
  const Node* Find(std::string_view path) const;

  // In order of path: a directory comes before what it holds.
  const std::map<std::string, NodePtr>& nodes() const { return nodes_; }

 private:
  absl::Status AddPtr(std::string_view path, NodePtr node);
  // Resolves the directory `path`, making what is missing of it.
  absl::StatusOr<std::string> MakeDirectories(std::string_view path);

  std::map<std::string, NodePtr> nodes_;
};

}  // namespace fv::rootfs
