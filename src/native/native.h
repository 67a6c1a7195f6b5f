// SPDX-License-Identifier: Apache-2.0
//
// Runs a program on this host's kernel as a guest would run it: with a root file system, pids and
// a host name of its own where the host permits namespaces (namespaces(7)), its input from a
// string, its output caught, its system calls recorded if wanted. At the end nothing of it is left:
// no process, no file.
//
//   caller -> helper -> supervisor (pid 1 of the namespace) -> the program (pid 2)
//
// Not for concurrent use by several threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/native/streams.h"
#include "src/rootfs/file_tree.h"
#include "src/trace/trace.h"

namespace fv::native {

struct NativeOptions {
  enum class Root : uint8_t {
    kPrivate,  // an unpacked `tree`, namespaces around it
    kHost,     // the host's own file system, and a fresh working directory
  };
  enum class User : uint8_t {
    kNamespace,  // root of a user namespace, without rights outside (kPrivate only)
    kCaller,     // who runs this: if that is root, so is the program
  };
  enum class Calls : uint8_t { kIgnore, kRecord };

  Root root = Root::kPrivate;
  User user = User::kNamespace;
  Calls calls = Calls::kIgnore;
  const rootfs::FileTree* tree = nullptr;  // kPrivate
  uint64_t tree_limit_bytes = 0;           // kPrivate: what the program may write, with the tree
  std::string path;                        // for execve(2)
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string cwd;          // kPrivate: in the tree
  std::string input;        // standard input, then end of file
  uint64_t timeout_ns = 0;  // 0: none
  // For programs that nobody has read. Empty: any call (see confinement.h); 0: as a guest's.
  std::vector<uint32_t> allowed_calls;
  uint64_t file_limit_bytes = 0;     // RLIMIT_FSIZE
  uint64_t address_limit_bytes = 0;  // RLIMIT_AS
};

struct NativeResult {
  bool timed_out = false;
  int wait_status = 0;  // as wait(2) gives it; not with timed_out
  Output out;
  Output err;
  trace::Trace trace;  // with Calls::kRecord
};

// PermissionDenied: the host does not permit namespaces, or ptrace; NotFound, InvalidArgument...:
// execve(2) refused the program; Unavailable or Internal: the host failed. The message says what.
absl::StatusOr<NativeResult> RunNative(const NativeOptions& options);

}  // namespace fv::native
