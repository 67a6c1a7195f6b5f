// SPDX-License-Identifier: Apache-2.0
//
// Builds roots. Order matters: files first, then the program, then what the program turns out to
// need; nothing replaces what the user gave.
#include "src/rootfs/root.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/rootfs/abseil.h"
#include "src/rootfs/cpio.h"
#include "src/rootfs/find_program.h"
#include "src/rootfs/host_files.h"
#include "src/rootfs/program.h"
#include "src/rootfs/shared_libraries.h"

namespace fv::rootfs {
namespace {

constexpr char kPasswd[] =
    "root:x:0:0:root:/root:/bin/sh\n"
    "daemon:x:1:1:daemon:/:/bin/false\n"
    "nobody:x:65534:65534:nobody:/:/bin/false\n";
constexpr char kGroup[] = "root:x:0:\ndaemon:x:1:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n";
constexpr char kHosts[] = "127.0.0.1 localhost\n::1 localhost\n";
constexpr char kNsswitch[] = "passwd: files\ngroup: files\nshadow: files\nhosts: files\n";

// Collects the first failure of several steps.
class Steps {
 public:
  void operator()(const absl::Status& status) { status_.Update(status); }
  bool ok() const { return status_.ok(); }
  absl::Status status() const { return status_; }

 private:
  absl::Status status_;
};

class Builder {
 public:
  explicit Builder(const RootOptions& options) : options_(options) {}

  absl::StatusOr<Root> Build() {
    Steps steps;
    steps(LoadBase());
    if (steps.ok()) steps(AddFiles());
    if (steps.ok()) steps(PlaceProgram());
    if (steps.ok()) steps(MeetNeeds());
    if (!steps.ok()) return steps.status();
    const bool is_path = options_.program.find('/') != std::string::npos &&
                         root_.tree.Find(NormalizePath(options_.program, root_.cwd)) != nullptr;
    root_.exec_name = is_path ? options_.program : root_.exec_path;
    return std::move(root_);
  }

 private:
  bool IsDefault() const { return options_.rootfs.empty(); }

  absl::Status LoadBase() {
    root_.cwd = "/";
    if (IsDefault()) {
      root_.tree = DefaultRoot();
      // A relative argv[0] must name the program in the guest too.
      root_.cwd = NormalizePath(options_.host_cwd);
      return root_.tree.Find(root_.cwd) != nullptr ? absl::OkStatus()
                                                   : root_.tree.AddDirectory(root_.cwd);
    }
    struct stat info;
    if (stat(options_.rootfs.c_str(), &info) != 0) {
      return absl::NotFoundError(
          absl::StrCat("--rootfs=", options_.rootfs, ": ", std::strerror(errno)));
    }
    absl::StatusOr<FileTree> tree;
    if (S_ISDIR(info.st_mode)) {
      tree = ReadHostDirectory(options_.rootfs);
    } else {
      absl::StatusOr<std::string> archive = ReadHostFile(options_.rootfs);
      if (!archive.ok()) return archive.status();
      tree = ReadCpio(*archive);
    }
    if (!tree.ok()) {
      return absl::Status(tree.status().code(), absl::StrCat("--rootfs=", options_.rootfs, ": ",
                                                             tree.status().message()));
    }
    root_.tree = *std::move(tree);
    return AddMountPoints();
  }

  // The kernel mounts these; a root without them would hide them.
  absl::Status AddMountPoints() {
    Steps steps;
    for (const char* path : {"/dev", "/proc", "/tmp"}) {
      if (root_.tree.Find(path) != nullptr) continue;
      steps(root_.tree.AddDirectory(path, path == std::string_view("/tmp") ? 01777 : 0755));
    }
    return steps.status();
  }

  absl::Status AddFiles() {
    for (const auto& [host, guest] : options_.files) {
      std::string path = NormalizePath(host, options_.host_cwd);
      absl::StatusOr<Node> node = ReadHostNode(path);
      if (!node.ok()) return node.status();
      std::string target = guest.empty() ? path : NormalizePath(guest, root_.cwd);
      absl::Status status = node->type == NodeType::kDirectory
                                ? AddHostTree(path, target)
                                : root_.tree.Add(target, *std::move(node));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status AddHostTree(const std::string& host, const std::string& target) {
    absl::StatusOr<FileTree> tree = ReadHostDirectory(host);
    if (!tree.ok()) return tree.status();
    Steps steps;
    steps(root_.tree.AddDirectory(target));
    for (const auto& [path, node] : tree->nodes()) {
      if (path != "/" && steps.ok()) steps(root_.tree.Add(absl::StrCat(target, path), *node));
    }
    return steps.status();
  }

  // The program inside the given root, as its own shell would find it; empty if it is not there.
  std::string FindInRoot(std::string_view name) const {
    if (name.find('/') != std::string_view::npos) {
      std::string path = NormalizePath(name, root_.cwd);
      return root_.tree.Find(path) != nullptr ? path : "";
    }
    for (absl::string_view directory : absl::StrSplit(options_.guest_path, ':')) {
      std::string path = absl::StrCat(directory, "/", Abseil(name));
      const Node* node = root_.tree.Find(path);
      if (node != nullptr && node->type == NodeType::kFile && (node->permissions & 0111) != 0) {
        return path;
      }
    }
    return "";
  }

  absl::Status PlaceProgram() {
    if (!IsDefault()) root_.exec_path = FindInRoot(options_.program);
    if (!root_.exec_path.empty()) return absl::OkStatus();
    absl::StatusOr<std::string> path =
        FindHostProgram(options_.program, options_.host_path, options_.host_cwd);
    if (!path.ok()) return path.status();
    root_.exec_path = *path;
    return CopyIn(*path);
  }

  // At the same path as on the host. A link stays a link, so /proc/self/exe reads as natively.
  absl::Status CopyIn(const std::string& path) {
    std::error_code error;
    std::string real = std::filesystem::canonical(path, error).string();
    if (error) return absl::ErrnoToStatus(error.value(), path);
    absl::StatusOr<Node> node = ReadHostNode(real);
    if (!node.ok()) return node.status();
    if (node->type != NodeType::kFile) {
      return absl::InvalidArgumentError(absl::StrCat(path, " is not a file"));
    }
    node->uid = node->gid = 0;
    absl::Status status = root_.tree.Add(real, *std::move(node));
    if (!status.ok() || real == path || root_.tree.Find(path) != nullptr) return status;
    return root_.tree.AddSymlink(path, real);
  }

  absl::Status MeetNeeds() {
    const Node* program = root_.tree.Find(root_.exec_path);
    if (program == nullptr) {
      return absl::NotFoundError(
          absl::StrCat(options_.program, ": no such program in the root file system"));
    }
    if (program->type != NodeType::kFile) {
      const bool directory = program->type == NodeType::kDirectory;
      return absl::InvalidArgumentError(
          absl::StrCat(options_.program, " is ", directory ? "a directory" : "not a regular file",
                       " in the root file system"));
    }
    if ((program->permissions & 0111) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(options_.program, ": not executable in the root file system (chmod +x it)"));
    }
    absl::StatusOr<ProgramInfo> info = InspectProgram(options_.program, program->content);
    if (!info.ok()) return info.status();
    if (info->kind == ProgramKind::kDynamic) {
      absl::Status status = PlaceLoader(options_.program, root_.exec_path, info->interpreter);
      if (!status.ok()) return status;
    }
    if (!IsDefault()) {
      return info->kind == ProgramKind::kScript ? PlaceInterpreter(info->interpreter)
                                                : absl::OkStatus();
    }
    std::vector<std::string> own = BusyboxApplets(program->content);
    if (!own.empty()) return LinkApplets(root_.exec_path, own);
    absl::Status status = WantsBusybox(*info, *program) ? AddBusybox() : absl::OkStatus();
    if (!status.ok() || info->kind != ProgramKind::kScript) return status;
    return PlaceInterpreter(info->interpreter);
  }

  bool WantsBusybox(const ProgramInfo& info, const Node& program) const {
    if (options_.busybox != Busybox::kAuto) return options_.busybox == Busybox::kAlways;
    return info.kind == ProgramKind::kScript || MentionsShell(program.content);
  }

  absl::Status AddBusybox() {
    absl::StatusOr<Node> busybox = ReadHostNode(options_.host_busybox);
    if (!busybox.ok()) {
      return options_.busybox == Busybox::kAlways ? busybox.status() : absl::OkStatus();
    }
    std::vector<std::string> applets = BusyboxApplets(busybox->content);
    absl::StatusOr<ProgramInfo> info = InspectProgram(options_.host_busybox, busybox->content);
    if (applets.empty() || !info.ok() || info->kind == ProgramKind::kDynamic) {
      if (options_.busybox != Busybox::kAlways) return absl::OkStatus();
      return absl::InvalidArgumentError(
          absl::StrCat(options_.host_busybox, " is not a static busybox (package busybox-static)"));
    }
    if (root_.tree.Find("/bin/busybox") == nullptr) {
      absl::Status status = root_.tree.Add("/bin/busybox", *std::move(busybox));
      if (!status.ok()) return status;
    }
    return LinkApplets("/bin/busybox", applets);
  }

  absl::Status LinkApplets(const std::string& busybox, const std::vector<std::string>& applets) {
    applets_ = applets;
    busybox_ = busybox;
    Steps steps;
    for (const std::string& applet : applets) {
      std::string path = absl::StrCat("/bin/", applet);
      if (!root_.tree.nodes().contains(path)) steps(root_.tree.AddSymlink(path, busybox));
    }
    if (root_.tree.Find("/usr/bin/env") == nullptr) {
      steps(root_.tree.AddSymlink("/usr/bin/env", busybox));
    }
    return steps.status();
  }

  absl::Status PlaceInterpreter(const std::string& interpreter) {
    if (root_.tree.Find(interpreter) != nullptr) return absl::OkStatus();
    bool is_applet =
        std::find(applets_.begin(), applets_.end(), BaseName(interpreter)) != applets_.end();
    if (is_applet) return root_.tree.AddSymlink(NormalizePath(interpreter), busybox_);
    absl::StatusOr<std::string> content = ReadHostFile(interpreter);
    absl::StatusOr<ProgramInfo> info =
        content.ok() ? InspectProgram(interpreter, *content) : content.status();
    if (!info.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          options_.program, " is a script for ", interpreter, ", which cannot be had: ",
          info.status().message(), ". For shell scripts install the package busybox-static"));
    }
    absl::Status status = CopyIn(interpreter);
    if (!status.ok() || info->kind != ProgramKind::kDynamic) return status;
    return PlaceLoader(absl::StrCat(options_.program, " is a script for ", interpreter, ", which"),
                       interpreter, info->interpreter);
  }

  // The loader and the libraries that a dynamic program at `path` starts with. A given root has
  // to hold its own: this host's libraries need not fit it. `name` begins the message.
  absl::Status PlaceLoader(std::string_view name, const std::string& path,
                           const std::string& loader) {
    if (root_.tree.Find(loader) != nullptr) return absl::OkStatus();
    if (!IsDefault()) return DynamicProgramError(name, loader, "is not in the root");
    absl::StatusOr<std::vector<std::string>> libraries = SharedLibraries(loader, path);
    if (!libraries.ok()) {
      absl::string_view why = libraries.status().message();
      return DynamicProgramError(name, loader, std::string_view(why.data(), why.size()));
    }
    Steps steps;
    steps(CopyIn(loader));
    for (const std::string& library : *libraries) {
      if (root_.tree.Find(library) == nullptr) steps(CopyIn(library));
    }
    return steps.status();
  }

  const RootOptions& options_;
  Root root_;
  std::string busybox_;
  std::vector<std::string> applets_;
};

}  // namespace

FileTree DefaultRoot() {
  FileTree tree;
  Steps steps;
  for (const char* path : {"/bin", "/usr/bin", "/dev", "/etc", "/proc", "/var"}) {
    steps(tree.AddDirectory(path));
  }
  steps(tree.AddDirectory("/root", 0700));
  for (const char* path : {"/tmp", "/dev/shm", "/var/tmp"}) steps(tree.AddDirectory(path, 01777));
  steps(tree.AddFile("/etc/passwd", kPasswd));
  steps(tree.AddFile("/etc/group", kGroup));
  steps(tree.AddFile("/etc/hosts", kHosts));
  steps(tree.AddFile("/etc/nsswitch.conf", kNsswitch));
  // The paths above are constants: a failure is a bug of this function.
  if (!steps.ok()) std::abort();
  return tree;
}

absl::StatusOr<Root> BuildRoot(const RootOptions& options) { return Builder(options).Build(); }

}  // namespace fv::rootfs
