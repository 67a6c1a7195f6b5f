// SPDX-License-Identifier: Apache-2.0
//
// Makes the guest's root file system for one program: the default root or the user's, with the
// program, its script interpreter and what else it needs inside. docs/command.md tells users the
// rules; this is where they are kept.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "src/rootfs/file_tree.h"

namespace fv::rootfs {

enum class Busybox : uint8_t {
  kAuto,  // if the program is a shell script or may start a shell
  kNever,
  kAlways,
};

struct RootOptions {
  std::string program;  // as typed
  std::string rootfs;   // a host directory or a cpio file; empty: the default root
  std::vector<std::pair<std::string, std::string>> files;  // host path, path in the guest
  std::string host_cwd = "/";
  std::string host_path;                     // PATH of the host, for the program's look-up
  std::string guest_path = "/bin:/usr/bin";  // PATH inside a given root
  Busybox busybox = Busybox::kAuto;
  std::string host_busybox = "/bin/busybox";
};

struct Root {
  FileTree tree;
  std::string exec_path;  // absolute, in the guest
  // What a shell would hand to execve(2): as typed if that is a path (good in `cwd`), else what
  // the look-up found. A script sees it as its name.
  std::string exec_name;
  std::string cwd;  // absolute, in the guest
};

// The root that programs get without --rootfs, before the program is put in.
FileTree DefaultRoot();

// NotFound, PermissionDenied, InvalidArgument: a message for the user that says what to do.
absl::StatusOr<Root> BuildRoot(const RootOptions& options);

}  // namespace fv::rootfs
