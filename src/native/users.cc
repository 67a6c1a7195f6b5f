// SPDX-License-Identifier: Apache-2.0
#include "src/native/users.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
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

absl::Status UserNamespaceRefused(uid_t caller, int error) {
  const std::string what = "this host gives the program no user namespace";
  constexpr int kRefusals[] = {EPERM, EACCES, ENOSPC, EUSERS, EINVAL, ENOSYS};
  if (std::find(std::begin(kRefusals), std::end(kRefusals), error) == std::end(kRefusals)) {
    return absl::ErrnoToStatus(error, what);
  }
  return absl::PermissionDeniedError(absl::StrCat(
      what, " (", strerrordesc_np(error), "; a chroot never has one)",
      caller == 0 ? ": --native_user=caller does without, and the program is root of this host"
                  : ""));
}

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
  return UserNamespaceRefused(geteuid(), errno);
}

}  // namespace fv::native
