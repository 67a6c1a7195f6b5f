// SPDX-License-Identifier: Apache-2.0
//
// The new root is built over /tmp, which only this mount namespace sees, then takes the old one's
// place (pivot_root(2), the form with one directory; in a chroot, whose root is no mount, chroot(2)
// does, and /tmp has to be a mount). Device files are made, so that what root does to them
// reaches no host; a user namespace may not make any, and has the host's, bind-mounted, over which
// it has no rights.
#include "src/native/private_root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "src/rootfs/unpack.h"
#include "vmm/fd.h"

namespace fv::native {
namespace {

constexpr char kBuildingSite[] = "/tmp";

// Numbers as in Linux's Documentation/admin-guide/devices.txt.
struct Device {
  const char* name;
  unsigned major, minor;
};
constexpr Device kDevices[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                               {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

struct Link {
  const char* name;
  const char* target;
};
constexpr Link kDeviceLinks[] = {{"fd", "/proc/self/fd"},
                                 {"stdin", "/proc/self/fd/0"},
                                 {"stdout", "/proc/self/fd/1"},
                                 {"stderr", "/proc/self/fd/2"}};

absl::Status Refused(const std::string& what) {
  return absl::PermissionDeniedError(absl::StrCat(what, ": ", strerrordesc_np(errno)));
}

absl::Status Mount(const char* source, const std::string& target, const char* type,
                   unsigned long flags, const char* data) {
  if (mount(source, target.c_str(), type, flags, data) == 0) return absl::OkStatus();
  return Refused(absl::StrCat("mount ", target));
}

absl::Status AddDevice(const std::string& target, const Device& device) {
  constexpr mode_t kForAll = 0666;
  // A root that was given may have its own, which tmpfs in a user namespace would not open.
  (void)unlink(target.c_str());
  if (mknod(target.c_str(), S_IFCHR | kForAll, makedev(device.major, device.minor)) == 0) {
    return chmod(target.c_str(), kForAll) == 0 ? absl::OkStatus() : Refused(target);
  }
  const vmm::Fd place(open(target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kForAll));
  if (!place.valid()) return Refused(target);
  return Mount(absl::StrCat("/dev/", device.name).c_str(), target, nullptr, MS_BIND, nullptr);
}

absl::Status AddDevices(const std::string& directory) {
  (void)mkdir(directory.c_str(), 0755);
  for (const Device& device : kDevices) {
    const absl::Status status = AddDevice(absl::StrCat(directory, "/", device.name), device);
    if (!status.ok()) return status;
  }
  for (const Link& link : kDeviceLinks) {
    (void)symlink(link.target, absl::StrCat(directory, "/", link.name).c_str());
  }
  (void)mkdir(absl::StrCat(directory, "/shm").c_str(), 01777);
  // Pseudo-terminals of its own; a host that gives none leaves the program without.
  (void)mkdir(absl::StrCat(directory, "/pts").c_str(), 0755);
  if (mount("devpts", absl::StrCat(directory, "/pts").c_str(), "devpts", MS_NOSUID | MS_NOEXEC,
            "newinstance,mode=620,ptmxmode=666") == 0) {
    (void)unlink(absl::StrCat(directory, "/ptmx").c_str());
    (void)symlink("pts/ptmx", absl::StrCat(directory, "/ptmx").c_str());
  }
  return absl::OkStatus();
}

absl::Status MountKernelFiles(const std::string& root) {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  (void)mkdir((root + "/proc").c_str(), 0555);
  absl::Status status = Mount("proc", root + "/proc", "proc", kFlags, nullptr);
  if (!status.ok()) return status;
  // Few programs look into /sys, and a container often has none to share.
  (void)mkdir((root + "/sys").c_str(), 0555);
  (void)mount("sysfs", (root + "/sys").c_str(), "sysfs", kFlags | MS_RDONLY, nullptr);
  return absl::OkStatus();
}

// Whether this process's root is the root of a mount, or a directory that it was chrooted to.
enum class OldRoot { kMount, kDirectory };

// Keeps mounts of this namespace out of others. Of a chroot's root nothing can be said or changed
// (EINVAL), but all that follows is mounted on the building site and below.
absl::Status MakePrivate(OldRoot& old_root) {
  old_root = OldRoot::kMount;
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) return absl::OkStatus();
  if (errno != EINVAL) return Refused("mount /");
  old_root = OldRoot::kDirectory;
  return Mount(nullptr, kBuildingSite, nullptr, MS_PRIVATE, nullptr);
}

// Makes the working directory the root; the old one is out of sight.
bool ReplaceRoot(OldRoot old_root) {
  if (old_root == OldRoot::kDirectory) return chroot(".") == 0 && chdir("/") == 0;
  return syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && chdir("/") == 0;
}

}  // namespace

absl::Status EnterPrivateRoot(const rootfs::FileTree& tree, uint64_t limit_bytes) {
  const std::string root = kBuildingSite;
  OldRoot old_root;
  absl::Status status = MakePrivate(old_root);
  if (!status.ok()) return status;
  const std::string options = absl::StrCat("mode=755,size=", limit_bytes);
  status = Mount("tmpfs", root, "tmpfs", 0, options.c_str());
  if (status.ok()) status = rootfs::Unpack(tree, root);
  if (status.ok()) status = AddDevices(root + "/dev");
  if (status.ok()) status = MountKernelFiles(root);
  if (!status.ok()) return status;
  if (chdir(root.c_str()) != 0 || !ReplaceRoot(old_root)) return Refused("change of root");
  return absl::OkStatus();
}

}  // namespace fv::native
