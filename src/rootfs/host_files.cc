// SPDX-License-Identifier: Apache-2.0
//
// Reads the host's files. Only lstat, open, read and readlink: nothing is run or changed.
#include "src/rootfs/host_files.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace fv::rootfs {
namespace {

namespace fs = std::filesystem;

absl::Status Failed(const std::string& path, int error) {
  return absl::ErrnoToStatus(error, absl::StrCat("cannot read ", path));
}

// `info` comes from stat or lstat of `path`. Sockets are kUnimplemented.
absl::StatusOr<Node> NodeFrom(const std::string& path, const struct stat& info) {
  Node node{.permissions = info.st_mode & 07777u,
            .uid = info.st_uid,
            .gid = info.st_gid,
            .mtime = static_cast<uint32_t>(info.st_mtime)};
  switch (info.st_mode & S_IFMT) {
    case S_IFREG: {
      absl::StatusOr<std::string> content = ReadHostFile(path);
      if (!content.ok()) return content.status();
      node.content = *std::move(content);
      return node;
    }
    case S_IFDIR:
      node.type = NodeType::kDirectory;
      return node;
    case S_IFLNK: {
      std::error_code error;
      node.type = NodeType::kSymlink;
      node.content = fs::read_symlink(path, error).string();
      if (error) return Failed(path, error.value());
      return node;
    }
    case S_IFCHR:
    case S_IFBLK:
      node.type = S_ISCHR(info.st_mode) ? NodeType::kCharDevice : NodeType::kBlockDevice;
      node.device_major = major(info.st_rdev);
      node.device_minor = minor(info.st_rdev);
      return node;
    case S_IFIFO:
      node.type = NodeType::kFifo;
      return node;
    default:
      return absl::UnimplementedError(absl::StrCat(path, " is a socket"));
  }
}

}  // namespace

absl::StatusOr<std::string> ReadHostFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Failed(path, errno);
  if (S_ISDIR(info.st_mode)) return Failed(path, EISDIR);
  if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
    // It may have no end.
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": it is a device"));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return Failed(path, errno != 0 ? errno : EIO);
  std::string content;
  if (S_ISREG(info.st_mode)) {
    content.resize(static_cast<size_t>(info.st_size));
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<size_t>(file.gcount()));
  }
  // A file of /proc has more than its size says.
  content.append(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return Failed(path, EIO);
  return content;
}

absl::StatusOr<Node> ReadHostNode(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Failed(path, errno);
  return NodeFrom(path, info);
}

absl::StatusOr<FileTree> ReadHostDirectory(const std::string& path) {
  std::error_code error;
  fs::recursive_directory_iterator entries(path, error);
  if (error) return Failed(path, error.value());
  FileTree tree;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names;
  for (; entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    const std::string host_path = entries->path().string();
    const std::string tree_path = NormalizePath(host_path.substr(path.size()));
    struct stat info;
    if (lstat(host_path.c_str(), &info) != 0) return Failed(host_path, errno);
    absl::Status status;
    auto [first, is_new] = first_names.try_emplace({info.st_dev, info.st_ino}, tree_path);
    if (!is_new && !S_ISDIR(info.st_mode)) {
      status = tree.AddHardLink(tree_path, first->second);
    } else {
      absl::StatusOr<Node> node = NodeFrom(host_path, info);
      if (absl::IsUnimplemented(node.status())) {
        first_names.erase(first);
        continue;
      }
      status = node.ok() ? tree.Add(tree_path, *std::move(node)) : node.status();
    }
    if (!status.ok()) return status;
  }
  if (error) return Failed(path, error.value());
  return tree;
}

}  // namespace fv::rootfs
