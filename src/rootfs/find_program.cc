// SPDX-License-Identifier: Apache-2.0
#include "src/rootfs/find_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/rootfs/abseil.h"
#include "src/rootfs/file_tree.h"

namespace fv::rootfs {
namespace {

bool IsDirectory(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

absl::Status NotFound(std::string_view name, std::string_view what) {
  return absl::NotFoundError(absl::StrCat(Abseil(name), Abseil(what)));
}

// Why stat(2) of `path` failed.
absl::Status Unreachable(std::string_view name, const std::string& path, int error) {
  if (error == ENOTDIR) return NotFound(name, ": a part of its path is not a directory");
  if (error != ENOENT) {
    return absl::InvalidArgumentError(absl::StrCat(Abseil(name), ": ", std::strerror(error)));
  }
  std::error_code no_link;
  const std::string target = std::filesystem::read_symlink(path, no_link).string();
  if (no_link) return NotFound(name, ": no such program");
  return NotFound(name, absl::StrCat(" is a link to ", target, ", which is not there"));
}

// Whether execve(2) would begin to read `path`; messages begin with `name`.
absl::Status MayRun(std::string_view name, const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Unreachable(name, path, errno);
  const char* why = nullptr;
  if (S_ISDIR(info.st_mode)) {
    why = " is a directory, not a program";
  } else if (!S_ISREG(info.st_mode)) {
    why = " is not a regular file";
  } else if (access(path.c_str(), X_OK) != 0) {
    why = ": not executable (chmod +x it)";
  }
  if (why == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(Abseil(name), why));
}

}  // namespace

absl::StatusOr<std::string> FindHostProgram(std::string_view name, std::string_view path,
                                            std::string_view cwd) {
  if (name.empty()) return NotFound(name, "the program's name is empty");
  const std::string here = NormalizePath(name, cwd);
  if (name.find('/') != std::string_view::npos) {
    absl::Status status = MayRun(name, here);
    if (!status.ok()) return status;
    return here;
  }
  absl::Status refused = NotFound(name, ": no such program in PATH");
  for (absl::string_view directory : absl::StrSplit(Abseil(path), ':')) {
    const std::string full = absl::StrCat(directory, "/", Abseil(name));
    const std::string candidate = NormalizePath(directory.empty() ? name : full, cwd);
    const absl::Status status = MayRun(candidate, candidate);
    if (status.ok()) return candidate;
    if (!absl::IsNotFound(status) && !IsDirectory(candidate)) refused = status;
  }
  // "run ." or a folder of that name: what was meant is here.
  if (absl::IsNotFound(refused) && IsDirectory(here)) return MayRun(name, here);
  return refused;
}

}  // namespace fv::rootfs
