// SPDX-License-Identifier: Apache-2.0
#include "src/native/users.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "vmm/fd.h"

namespace fv::native {
namespace {

bool WriteTo(const std::string& path, const std::string& text) {
  const vmm::Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.valid() &&
         write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

absl::Status MapUsers(pid_t process) {
  const std::string directory = absl::StrCat("/proc/", process, "/");
  if (geteuid() == 0) {
    const std::string many = absl::StrCat("0 ", kFirstMappedUser, " ", kMappedUsers);
    if (WriteTo(directory + "uid_map", many) && WriteTo(directory + "gid_map", many)) {
      return absl::OkStatus();
    }
  } else {
    // One user may be mapped without rights, if the groups stay as they are.
    if (WriteTo(directory + "uid_map", absl::StrCat("0 ", geteuid(), " 1")) &&
        WriteTo(directory + "setgroups", "deny") &&
        WriteTo(directory + "gid_map", absl::StrCat("0 ", getegid(), " 1"))) {
      return absl::OkStatus();
    }
  }
  return absl::PermissionDeniedError(
      absl::StrCat("no users for a user namespace: ", strerrordesc_np(errno)));
}

}  // namespace fv::native
