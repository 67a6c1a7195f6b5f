// SPDX-License-Identifier: Apache-2.0
//
// Builds the machine. The archive of the root lives only until it is copied into guest RAM.
#include "src/session/guest.h"

#include <sys/stat.h>

#include <cstdlib>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/layout.h"
#include "src/rootfs/cpio.h"

namespace fv::session {
namespace {

uint32_t CurrentUmask() {
  const mode_t mask = umask(022);
  umask(mask);
  return mask;
}

std::string HostTerm() {
  const char* term = std::getenv("TERM");
  return term == nullptr ? "dumb" : term;
}

vmm::MachineConfig ConfigFrom(const GuestOptions& options, const rootfs::Root& root) {
  vmm::MachineConfig config;
  config.ram_bytes = (options.ram_bytes + proto::kHugePageBytes - 1) / proto::kHugePageBytes *
                     proto::kHugePageBytes;
  config.kernel_image = options.kernel_image;
  config.argv.push_back(options.root.program);
  config.argv.insert(config.argv.end(), options.arguments.begin(), options.arguments.end());
  config.envp = GuestEnvironment(options);
  config.exec_path = options.cwd.empty() ? root.exec_name : root.exec_path;
  config.cwd = options.cwd.empty() ? root.cwd : options.cwd;
  config.kernel_ring = options.kernel_ring;
  config.boot_flags = options.boot_flags;
  config.fork_strategy = options.fork_strategy;
  config.mutant = options.mutant;
  config.event_mask = options.event_mask | proto::kEventsAlways;
  config.tick_ns = options.tick_ns;
  config.umask = CurrentUmask();
  config.console_columns = options.columns;
  config.console_rows = options.rows;
  config.random_seed = options.random_seed;
  config.watchdog.wall_limit_ns = options.timeout_ns;
  return config;
}

// What the kernel mounts there is not in the tree.
bool MayBeDirectory(const rootfs::FileTree& tree, const std::string& path) {
  const std::string normal = rootfs::NormalizePath(path);
  if (normal.starts_with("/proc/") || normal.starts_with("/dev/")) return true;
  const rootfs::Node* node = tree.Find(normal);
  return node != nullptr && node->type == rootfs::NodeType::kDirectory;
}

}  // namespace

std::vector<std::string> GuestEnvironment(const std::string& term,
                                          const std::vector<std::string>& extra) {
  std::map<std::string, std::string> variables = {
      {"PATH", "/bin:/usr/bin:/sbin:/usr/sbin"},
      {"HOME", "/root"},
      {"USER", "root"},
      {"SHELL", "/bin/sh"},
      {"TERM", term},
  };
  for (const std::string& item : extra) {
    const size_t equals = item.find('=');
    if (equals == std::string::npos) {
      variables.erase(item);
    } else {
      variables[item.substr(0, equals)] = item.substr(equals + 1);
    }
  }
  std::vector<std::string> environment;
  environment.reserve(variables.size());
  for (const auto& [name, value] : variables) environment.push_back(absl::StrCat(name, "=", value));
  return environment;
}

std::vector<std::string> GuestEnvironment(const GuestOptions& options) {
  return GuestEnvironment(HostTerm(), options.environment);
}

absl::StatusOr<Guest> StartGuest(const GuestOptions& options) {
  absl::StatusOr<rootfs::Root> root = rootfs::BuildRoot(options.root);
  if (!root.ok()) return root.status();
  if (!options.cwd.empty() && !MayBeDirectory(root->tree, options.cwd)) {
    return absl::NotFoundError(
        absl::StrCat("--cwd=", options.cwd, ": no such directory in the root file system"));
  }
  absl::StatusOr<std::string> archive = rootfs::WriteCpio(root->tree);
  if (!archive.ok()) return archive.status();
  root->tree = rootfs::FileTree();
  vmm::MachineConfig config = ConfigFrom(options, *root);
  config.initrd = {reinterpret_cast<const uint8_t*>(archive->data()), archive->size()};
  // The kernel, its tables and the program need room beside the archive.
  if (archive->size() + proto::kMinRamBytes / 2 > config.ram_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the root file system takes ", archive->size() >> 20, " MiB of the guest's ",
                     config.ram_bytes >> 20, " MiB of memory: give it more with --mem"));
  }
  Guest guest;
  guest.initrd_bytes = archive->size();
  if (options.host == Host::kQemu) {
    guest.machine = std::make_unique<vmm::qemu::QemuMachine>(
        vmm::qemu::QemuConfig{config, options.qemu_program, options.qemu_cpu});
  } else {
    guest.kvm = vmm::Kvm::Open(options.kvm_device);
    auto machine = std::make_unique<vmm::Machine>(*guest.kvm, config);
    guest.on_kvm = machine.get();
    guest.machine = std::move(machine);
  }
  return guest;
}

}  // namespace fv::session
