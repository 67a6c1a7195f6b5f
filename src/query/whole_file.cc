// SPDX-License-Identifier: Apache-2.0
#include "src/query/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "vmm/fd.h"

namespace fv::query {

absl::Status ErrnoError(const std::string& what) {
  const std::string sentence = absl::StrCat(what, ": ", std::strerror(errno));
  return errno == ENOENT ? absl::NotFoundError(sentence) : absl::InternalError(sentence);
}

absl::Status WriteWholeFile(const std::string& path,
                            const std::function<absl::Status(int fd)>& write) {
  const std::string temporary = path + ".part";
  const vmm::Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return ErrnoError(temporary);
  absl::Status status = write(file.get());
  if (status.ok() && ::fsync(file.get()) != 0) status = ErrnoError(temporary);
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) status = ErrnoError(path);
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

}  // namespace fv::query
