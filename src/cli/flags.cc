// SPDX-License-Identifier: Apache-2.0
//
// Definitions of the shared flags. Every value is checked here, once, with a message that says
// what would be right.
#include "src/cli/flags.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "proto/layout.h"
#include "proto/mutants.h"
#include "src/cli/choice.h"
#include "src/cli/fuzz_kernel.h"
#include "src/cli/guest_kernel.h"
#include "src/inspect/fork_strategies.h"
#include "src/inspect/kernel_mutants.h"
#include "src/rootfs/host_files.h"
#include "src/session/session.h"
#include "vmm/elf_loader.h"

DEFINE_string(rootfs, "", "root file system: a directory or a cpio file (newc)");
DEFINE_string(mem, "256M", "guest memory, 16M to 256G; reserved, not touched");
DEFINE_string(kernel_ring, "auto", "CPU ring of the guest kernel: auto, 0 or 3");
DEFINE_string(check, "off",
              "oracle: off, end, sampled, every, or both (every, and by a full walk)");
DEFINE_string(timeout, "0", "longest run in seconds; 0: no limit");
DEFINE_string(env, "", "NAME=VALUE or NAME for the program's environment; may be repeated");
DEFINE_string(file, "", "HOST[:GUEST] copied into the root; may be repeated");
DEFINE_string(events, "", "write events as text to this file; - is standard error");
DEFINE_string(event_kinds, "all", "the events to write: a list of kinds");
DEFINE_string(kernel, "", "another guest kernel: a file (ELF), or kasan, fuzz");
DEFINE_string(host, "kvm", "what executes the guest: kvm or qemu");
DEFINE_string(qemu, fv::vmm::qemu::kQemuProgram, "QEMU's program");
DEFINE_string(qemu_cpu, "full", "the CPU that QEMU is asked for: full or plain");
DEFINE_string(kvm_device, fv::vmm::kKvmDevice, "KVM's device");
DEFINE_string(cwd, "", "working directory in the guest");
DEFINE_string(busybox, "auto", "busybox in the default root: auto, always or never");
DEFINE_string(mutant, "", "switch on this bug of a kernel that has such");
DEFINE_string(fail, "", "allocations of the kernel that fail: nth:N, every:K, probability:P");
DEFINE_string(strategy, fv::proto::kDefaultForkStrategy, "how fork copies an address space");
DEFINE_string(trace, "", "write the run as a trace for ui.perfetto.dev to this file");
DEFINE_string(vm, "", "a socket: run and check answer there, inspect asks there");
DEFINE_string(gdb, "", "GDB debugs the guest at this port of 127.0.0.1");
DEFINE_bool(deterministic, false, "no timer tick: task switches at system calls and faults only");
DEFINE_string(from, "", "go on from this snapshot instead of booting");
DEFINE_int32(repeat, 1, "with --from: run so often, going back to the snapshot each time");
DEFINE_string(prove_reset, "sampled",
              "with --repeat, and of fuzz: compare everything after a reset: "
              "every, sampled or off");
DEFINE_string(native_user, "namespace", "natively: namespace or caller");
DEFINE_bool(v, false, "say on standard error what happens");

namespace fv::cli {
namespace {

constexpr Choice<vmm::KernelRing> kRings[] = {{"auto", vmm::KernelRing::kAuto},
                                              {"0", vmm::KernelRing::kRing0},
                                              {"3", vmm::KernelRing::kRing3}};
constexpr Choice<session::Host> kHosts[] = {{"kvm", session::Host::kKvm},
                                            {"qemu", session::Host::kQemu}};
constexpr Choice<vmm::qemu::CpuModel> kQemuCpus[] = {{"full", vmm::qemu::CpuModel::kFull},
                                                     {"plain", vmm::qemu::CpuModel::kPlain}};
constexpr Choice<rootfs::Busybox> kBusybox[] = {{"auto", rootfs::Busybox::kAuto},
                                                {"always", rootfs::Busybox::kAlways},
                                                {"never", rootfs::Busybox::kNever}};

constexpr Choice<session::ProveReset> kProveReset[] = {{"every", session::ProveReset::kEvery},
                                                       {"sampled", session::ProveReset::kSampled},
                                                       {"off", session::ProveReset::kOff}};
constexpr Choice<native::NativeOptions::User> kUsers[] = {
    {"namespace", native::NativeOptions::User::kNamespace},
    {"caller", native::NativeOptions::User::kCaller}};

absl::StatusOr<rootfs::RootOptions> RootOptionsFromFlags(const Arguments& arguments) {
  rootfs::RootOptions root;
  if (!arguments.words.empty()) root.program = arguments.words.front();
  root.rootfs = FLAGS_rootfs;
  std::error_code error;
  root.host_cwd = std::filesystem::current_path(error).string();
  if (error) root.host_cwd = "/";
  const char* path = std::getenv("PATH");
  root.host_path = path == nullptr ? "/bin:/usr/bin" : path;
  absl::StatusOr<rootfs::Busybox> busybox = Choose("busybox", FLAGS_busybox, kBusybox);
  if (!busybox.ok()) return busybox.status();
  root.busybox = *busybox;
  for (const std::string& file : arguments.file) {
    const size_t colon = file.find(':');
    root.files.emplace_back(file.substr(0, colon),
                            colon == std::string::npos ? "" : file.substr(colon + 1));
  }
  return root;
}

// The file of --kernel: the variant of the kernel by that name which was built beside this program
// (//guest:kernel_NAME), else its own.
std::string KernelFile(const std::string& value) {
  if (value.find('/') != std::string::npos) return value;
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path variant =
      self.parent_path() / "../../guest" / absl::StrCat("kernel_", value, ".elf");
  return std::filesystem::exists(variant, error) ? variant.lexically_normal().string() : value;
}

std::span<const uint8_t> BytesOf(const std::string& file) {
  return {reinterpret_cast<const uint8_t*>(file.data()), file.size()};
}

constexpr Choice<proto::Mutant> kMutants[] = {{"", proto::Mutant::kNone},
#define FV_X(number, name, text, ...) {text, proto::Mutant::k##name},
                                              FV_MUTANT_LIST(FV_X) FV_SANITIZER_MUTANT_LIST(FV_X)
#undef FV_X
};

absl::StatusOr<uint64_t> RamBytes() {
  absl::StatusOr<uint64_t> bytes = ParseSize("mem", FLAGS_mem);
  if (!bytes.ok()) return bytes;
  if (*bytes < proto::kMinRamBytes || *bytes > proto::kMaxRamBytes) {
    return absl::InvalidArgumentError(absl::StrCat("--mem=", FLAGS_mem, ": a guest has ",
                                                   FormatSize(proto::kMinRamBytes), " to ",
                                                   FormatSize(proto::kMaxRamBytes)));
  }
  return bytes;
}

absl::Status FixedBySnapshot(const char* flag) {
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " does not go with --from: the snapshot has that already"));
}

}  // namespace

std::vector<std::string_view> GuestFlags() {
  return {"rootfs",        "mem",         "kernel_ring", "timeout", "env",      "file",
          "events",        "event_kinds", "kernel",      "cwd",     "v",        "kvm_device",
          "fail",          "host",        "busybox",     "mutant",  "strategy", "qemu_cpu",
          "deterministic", "qemu",        "vm",          "trace",   "record",   "record_limit",
          "record_share",  "record_kinds"};
}

std::vector<std::string_view> FromFlags() { return {"from", "repeat", "prove_reset"}; }

absl::Status CheckFrom(const Arguments& arguments) {
  if (const absl::Status wrong = ProveResetFromFlags().status(); !wrong.ok()) return wrong;
  if (FLAGS_from.empty()) {
    if (FLAGS_repeat != 1) return absl::InvalidArgumentError("--repeat goes with --from");
    return arguments.words.empty() ? absl::InvalidArgumentError("which program?")
                                   : absl::OkStatus();
  }
  if (!arguments.words.empty()) {
    return absl::InvalidArgumentError("--from=FILE has its program already");
  }
  for (const char* flag :
       {"rootfs", "cwd", "busybox", "mem", "kernel_ring", "strategy", "mutant", "deterministic"}) {
    if (Given(flag)) return FixedBySnapshot(flag);
  }
  if (!arguments.env.empty()) return FixedBySnapshot("env");
  if (!arguments.file.empty()) return FixedBySnapshot("file");
  if (FLAGS_host != "kvm") {
    return absl::InvalidArgumentError("a snapshot runs on KVM only (--host=kvm)");
  }
  if (FLAGS_repeat < 1) return absl::InvalidArgumentError("--repeat wants a number from 1");
  return absl::OkStatus();
}

absl::StatusOr<oracle::CheckMode> CheckModeFromFlags() {
  const std::optional<oracle::CheckMode> mode = oracle::ParseCheckMode(FLAGS_check);
  if (mode) return *mode;
  return absl::InvalidArgumentError(
      absl::StrCat("--check=", FLAGS_check, ": choose one of off, end, sampled, every, both"));
}

absl::StatusOr<session::ProveReset> ProveResetFromFlags() {
  return Choose("prove_reset", FLAGS_prove_reset, kProveReset);
}

absl::StatusOr<native::NativeOptions::User> NativeUserFromFlags() {
  return Choose("native_user", FLAGS_native_user, kUsers);
}

absl::StatusOr<std::span<const uint8_t>> KernelImage() {
  if (FLAGS_kernel.empty()) return embedded::GuestKernel();
  if (FLAGS_kernel == "fuzz") return embedded::FuzzKernel();
  // Who got its bytes before keeps them.
  static std::map<std::string, std::string> files;
  const auto known = files.find(FLAGS_kernel);
  if (known != files.end()) return BytesOf(known->second);
  absl::StatusOr<std::string> content = rootfs::ReadHostFile(KernelFile(FLAGS_kernel));
  if (absl::IsNotFound(content.status()) && FLAGS_kernel.find('/') == std::string::npos) {
    return absl::NotFoundError(absl::StrCat("--kernel=", FLAGS_kernel,
                                            ": no such file, and bazel build //guest:kernel_",
                                            FLAGS_kernel, " has not made such a kernel"));
  }
  if (!content.ok()) return content.status();
  return BytesOf(files[FLAGS_kernel] = *std::move(content));
}

void CheckBoots(std::span<const uint8_t> kernel) {
  (void)vmm::CheckImage(std::as_bytes(kernel), proto::kMaxRamBytes);
}

std::vector<std::string> StrategyNames(std::span<const uint8_t> kernel) {
  std::vector<std::string> names;
  for (const inspect::ForkStrategy& strategy : inspect::ReadForkStrategies(kernel)) {
    names.push_back(strategy.name);
  }
  return names;
}

absl::Status CheckHasMutants(std::string_view flag, std::span<const uint8_t> kernel) {
  if (inspect::HasMutants(kernel)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", std::string(flag),
                                                 ": this guest kernel was built without mutants; ",
                                                 "--kernel=fuzz is one that has them"));
}

absl::StatusOr<proto::Mutant> MutantFromFlags(std::span<const uint8_t> kernel) {
  const absl::StatusOr<proto::Mutant> mutant = Choose("mutant", FLAGS_mutant, kMutants);
  if (!mutant.ok() || *mutant == proto::Mutant::kNone) return mutant;
  const absl::Status possible = CheckHasMutants("mutant", kernel);
  if (!possible.ok()) return possible;
  return mutant;
}

absl::StatusOr<session::GuestOptions> GuestOptionsFromFlags(const Arguments& arguments) {
  session::GuestOptions options;
  absl::StatusOr<rootfs::RootOptions> root = RootOptionsFromFlags(arguments);
  if (!root.ok()) return root.status();
  absl::StatusOr<uint64_t> ram = RamBytes();
  if (!ram.ok()) return ram.status();
  absl::StatusOr<vmm::KernelRing> ring = Choose("kernel_ring", FLAGS_kernel_ring, kRings);
  if (!ring.ok()) return ring.status();
  absl::StatusOr<session::Host> host = Choose("host", FLAGS_host, kHosts);
  if (!host.ok()) return host.status();
  absl::StatusOr<vmm::qemu::CpuModel> qemu_cpu = Choose("qemu_cpu", FLAGS_qemu_cpu, kQemuCpus);
  if (!qemu_cpu.ok()) return qemu_cpu.status();
  absl::StatusOr<uint64_t> timeout = ParseSeconds("timeout", FLAGS_timeout);
  if (!timeout.ok()) return timeout.status();
  absl::StatusOr<std::span<const uint8_t>> kernel = KernelImage();
  if (!kernel.ok()) return kernel.status();
  absl::StatusOr<proto::Mutant> mutant = MutantFromFlags(*kernel);
  if (!mutant.ok()) return mutant.status();
  const absl::Status strategy = inspect::CheckForkStrategy(*kernel, FLAGS_strategy);
  if (!strategy.ok()) return strategy;

  options.root = *std::move(root);
  if (!arguments.words.empty()) {
    options.arguments.assign(arguments.words.begin() + 1, arguments.words.end());
  }
  options.environment = arguments.env;
  options.cwd = FLAGS_cwd;
  options.ram_bytes = *ram;
  options.kernel_ring = *ring;
  options.fork_strategy = FLAGS_strategy;
  options.mutant = static_cast<uint32_t>(*mutant);
  options.timeout_ns = *timeout;
  options.kernel_image = *kernel;
  options.host = *host;
  options.kvm_device = FLAGS_kvm_device;
  options.qemu_program = FLAGS_qemu;
  options.qemu_cpu = *qemu_cpu;
  options.boot_flags = session::TtyBootFlags(STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO);
  if (FLAGS_deterministic) {
    options.boot_flags |= proto::kBootDeterministic;
    options.tick_ns = 0;
  }
  const session::WindowSize size = session::TerminalSize(STDOUT_FILENO);
  options.columns = size.columns;
  options.rows = size.rows;
  return options;
}

}  // namespace fv::cli
