// SPDX-License-Identifier: Apache-2.0
//
// Paths and links of a file tree. Look-ups walk the components from the root, so a link in the
// middle of a path works as it does in a kernel.
#include "src/rootfs/file_tree.h"

#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "src/rootfs/abseil.h"

namespace fv::rootfs {
namespace {

std::deque<std::string> Components(std::string_view path) {
  std::deque<std::string> parts;
  for (absl::string_view part : absl::StrSplit(Abseil(path), '/', absl::SkipEmpty())) {
    parts.emplace_back(part);
  }
  return parts;
}

std::string Child(const std::string& directory, const std::string& name) {
  return directory == "/" ? "/" + name : directory + "/" + name;
}

}  // namespace

std::string NormalizePath(std::string_view path, std::string_view base) {
  std::deque<std::string> parts = Components(path);
  if (path.empty() || path.front() != '/') {
    std::deque<std::string> prefix = Components(base);
    parts.insert(parts.begin(), prefix.begin(), prefix.end());
  }
  std::vector<std::string> kept;
  for (std::string& part : parts) {
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (part != ".") {
      kept.push_back(std::move(part));
    }
  }
  return absl::StrCat("/", absl::StrJoin(kept, "/"));
}

std::string_view BaseName(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view ParentPath(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos || slash == 0 ? "/" : path.substr(0, slash);
}

FileTree::FileTree() {
  nodes_["/"] = std::make_shared<Node>(Node{.type = NodeType::kDirectory, .permissions = 0755});
}

absl::StatusOr<std::string> FileTree::Resolve(std::string_view path) const {
  std::deque<std::string> todo = Components(path);
  std::string at = "/";
  int links = 0;
  while (!todo.empty()) {
    std::string part = std::move(todo.front());
    todo.pop_front();
    if (nodes_.at(at)->type != NodeType::kDirectory) {
      return absl::FailedPreconditionError(absl::StrCat(at, " is not a directory"));
    }
    if (part == ".") continue;
    if (part == "..") {
      at = std::string(ParentPath(at));
      continue;
    }
    std::string next = Child(at, part);
    auto found = nodes_.find(next);
    if (found == nodes_.end()) return absl::NotFoundError(absl::StrCat(next, " does not exist"));
    if (found->second->type != NodeType::kSymlink) {
      at = std::move(next);
      continue;
    }
    if (++links > kMaxLinks) {
      return absl::FailedPreconditionError(absl::StrCat(next, ": too many symbolic links"));
    }
    const std::string& target = found->second->content;
    std::deque<std::string> more = Components(target);
    todo.insert(todo.begin(), more.begin(), more.end());
    if (!target.empty() && target.front() == '/') at = "/";
  }
  return at;
}

const Node* FileTree::Find(std::string_view path) const {
  absl::StatusOr<std::string> resolved = Resolve(path);
  return resolved.ok() ? nodes_.at(*resolved).get() : nullptr;
}

absl::StatusOr<std::string> FileTree::MakeDirectories(std::string_view path) {
  std::string at = "/";
  for (const std::string& part : Components(path)) {
    std::string next = Child(at, part);
    if (!nodes_.contains(next)) {
      nodes_[next] =
          std::make_shared<Node>(Node{.type = NodeType::kDirectory, .permissions = 0755});
    }
    absl::StatusOr<std::string> resolved = Resolve(next);
    if (!resolved.ok()) return resolved.status();
    if (nodes_.at(*resolved)->type != NodeType::kDirectory) {
      return absl::FailedPreconditionError(absl::StrCat(next, " is not a directory"));
    }
    at = *std::move(resolved);
  }
  return at;
}

absl::Status FileTree::AddPtr(std::string_view path, NodePtr node) {
  std::string normal = NormalizePath(path);
  if (normal == "/") {
    if (node->type != NodeType::kDirectory) {
      return absl::FailedPreconditionError("the root must be a directory");
    }
    nodes_["/"] = std::move(node);
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> parent = MakeDirectories(ParentPath(normal));
  if (!parent.ok()) return parent.status();
  std::string full = Child(*parent, std::string(BaseName(normal)));
  auto found = nodes_.find(full);
  if (found != nodes_.end() && found->second->type == NodeType::kDirectory &&
      node->type != NodeType::kDirectory) {
    return absl::FailedPreconditionError(absl::StrCat(full, " is a directory already"));
  }
  nodes_[full] = std::move(node);
  return absl::OkStatus();
}

absl::Status FileTree::Add(std::string_view path, Node node) {
  return AddPtr(path, std::make_shared<Node>(std::move(node)));
}

absl::Status FileTree::AddDirectory(std::string_view path, uint32_t permissions) {
  return Add(path, {.type = NodeType::kDirectory, .permissions = permissions});
}

absl::Status FileTree::AddFile(std::string_view path, std::string content, uint32_t permissions) {
  return Add(path, {.permissions = permissions, .content = std::move(content)});
}

absl::Status FileTree::AddSymlink(std::string_view path, std::string_view target) {
  return Add(path,
             {.type = NodeType::kSymlink, .permissions = 0777, .content = std::string(target)});
}

absl::Status FileTree::AddHardLink(std::string_view path, std::string_view existing) {
  auto found = nodes_.find(NormalizePath(existing));
  if (found == nodes_.end()) {
    return absl::NotFoundError(absl::StrCat(Abseil(existing), " does not exist"));
  }
  if (found->second->type == NodeType::kDirectory) {
    return absl::FailedPreconditionError("a directory cannot have a second name");
  }
  return AddPtr(path, found->second);
}

}  // namespace fv::rootfs
