// SPDX-License-Identifier: Apache-2.0
//
// Looks at the host and runs programs on it.
#include "src/bench/host.h"

#include <spawn.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "vmm/file_bytes.h"
#include "vmm/memory_file.h"

namespace fv::bench {
namespace {

std::string LocalDate() {
  const time_t now = time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  char text[64];
  return {text, strftime(text, sizeof(text), "%FT%T%z", &local)};
}

[[noreturn]] void Throw(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

std::string ReadText(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string ProcValue(const std::string& text, const std::string& key) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(parts.first) == key) {
      return std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return "";
}

namespace {

// "123 kB"; 0 for anything else.
uint64_t BytesOf(const std::string& value) {
  uint64_t kib = 0;
  return absl::SimpleAtoi(value.substr(0, value.find(' ')), &kib) ? kib * 1024 : 0;
}

}  // namespace

Context HostContext() {
  Context context;
  context.date = LocalDate();
  utsname name{};
  if (uname(&name) == 0) {
    context.kernel = name.release;
    context.host_name = name.nodename;
  }
  context.cpu = ProcValue(ReadText("/proc/cpuinfo"), "model name");
  context.cpus = static_cast<int>(std::thread::hardware_concurrency());
  double load[3];
  const int known = getloadavg(load, 3);
  context.load.assign(load, load + (known > 0 ? known : 0));
  return context;
}

uint64_t AvailableMemory() { return BytesOf(ProcValue(ReadText("/proc/meminfo"), "MemAvailable")); }

uint64_t PrivateBytes() {
  return BytesOf(ProcValue(ReadText("/proc/self/smaps_rollup"), "Private_Dirty"));
}

PinnedCpu::PinnedCpu() {
  CPU_ZERO(&former_);
  if (sched_getaffinity(0, sizeof(former_), &former_) != 0) return;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && cpu_ < 0; --cpu) {
    if (CPU_ISSET(cpu, &former_)) cpu_ = cpu;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu_, &one);
  if (sched_setaffinity(0, sizeof(one), &one) != 0) cpu_ = -1;
}

PinnedCpu::~PinnedCpu() {
  if (cpu_ >= 0) sched_setaffinity(0, sizeof(former_), &former_);
}

TemporaryProgram::TemporaryProgram(const std::string& name) {
  const char* top = std::getenv("TMPDIR");
  directory_ = absl::StrCat(top == nullptr ? "/tmp" : top, "/forkvisor-XXXXXX");
  if (mkdtemp(directory_.data()) == nullptr) Throw(directory_.c_str());
  path_ = absl::StrCat(directory_, "/", name);
}

// An object that was made once is destroyed, and its directory removed, even if this throws.
TemporaryProgram::TemporaryProgram(const std::string& name, std::span<const uint8_t> bytes)
    : TemporaryProgram(name) {
  std::ofstream file(path_, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file || chmod(path_.c_str(), 0700) != 0) Throw(path_.c_str());
}

TemporaryProgram::~TemporaryProgram() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

vmm::Fd MemoryFile() { return vmm::MemoryFile("forkvisor-output"); }

std::string ReadAll(int fd) {
  std::string text;
  if (!vmm::ReadAll(fd, text)) Throw("reading a memory file");
  return text;
}

absl::StatusOr<std::string> RunNative(const std::string& path,
                                      const std::vector<std::string>& arguments) {
  const vmm::Fd output = MemoryFile();
  std::vector<std::string> words = {path};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* environment[] = {nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, path.c_str(), &actions, nullptr, argv.data(), environment);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::ErrnoToStatus(error, absl::StrCat("cannot start ", path));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
  }
  if (status != 0) {
    return absl::InternalError(absl::StrCat(path, " failed natively with wait status ", status));
  }
  return ReadAll(output.get());
}

}  // namespace fv::bench
