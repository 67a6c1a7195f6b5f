// SPDX-License-Identifier: Apache-2.0
#include "vmm/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "vmm/fd.h"
#include "vmm/file_bytes.h"

namespace fv::vmm {
namespace {

using Write = std::function<absl::Status(int fd)>;

bool IsNoRegularFile(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

// By `write`, whose errors of the host do not know the name.
absl::Status Fill(int fd, const std::string& path, const Write& write) {
  absl::Status status = write(fd);
  if (!absl::IsInternal(status)) return status;
  return absl::InternalError(absl::StrCat(path, ": ", status.message()));
}

absl::Status WriteInto(const std::string& path, const Write& write) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.valid() ? Fill(file.get(), path, write) : ErrnoError(path);
}

absl::Status Replace(const std::string& path, mode_t mode, const Write& write) {
  // Others may be writing the same file: the last one has its way.
  static std::atomic<unsigned> written = 0;
  const std::string beside = absl::StrCat(path, ".", ::getpid(), ".", written++, ".part");
  ::unlink(beside.c_str());  // of a process that had this number before
  const Fd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.valid()) return ErrnoError(path);
  absl::Status status = Fill(file.get(), path, write);
  if (status.ok() && ::fsync(file.get()) != 0) status = ErrnoError(path);
  if (status.ok() && std::rename(beside.c_str(), path.c_str()) != 0) status = ErrnoError(path);
  if (!status.ok()) ::unlink(beside.c_str());
  return status;
}

absl::Status WriteWhole(const std::string& path, mode_t mode, const Write& write) {
  if (IsNoRegularFile(path)) return WriteInto(path, write);
  std::error_code error;
  const std::filesystem::path behind_links = std::filesystem::canonical(path, error);
  return Replace(error ? path : behind_links.string(), mode, write);
}

}  // namespace

absl::Status ErrnoError(const std::string& what) {
  const std::string sentence = absl::StrCat(what, ": ", std::strerror(errno));
  return errno == ENOENT ? absl::NotFoundError(sentence) : absl::InternalError(sentence);
}

absl::Status WriteWholeFile(const std::string& path, const Write& write) {
  return WriteWhole(path, 0600, write);
}

absl::Status WriteWholeFile(const std::string& path, std::string_view content) {
  return WriteWhole(path, 0666, [content](int fd) {
    return WriteAll(fd, content) ? absl::OkStatus() : ErrnoError("write");
  });
}

}  // namespace fv::vmm
