// SPDX-License-Identifier: Apache-2.0
//
// The command: picks the verb, turns the hypervisor's set-up errors into exit codes.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <string>

#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/output.h"
#include "src/cli/verbs.h"
#include "vmm/error.h"

namespace {

using fv::cli::Words;

struct Verb {
  std::string_view name;
  int (*run)(const Words&);
};
constexpr Verb kVerbs[] = {
    {"run", fv::cli::RunVerb},           {"check", fv::cli::CheckVerb},
    {"bench", fv::cli::BenchVerb},       {"compare", fv::cli::CompareVerb},
    {"diff", fv::cli::DiffVerb},         {"inspect", fv::cli::InspectVerb},
    {"snapshot", fv::cli::SnapshotVerb}, {"fuzz", fv::cli::FuzzVerb},
    {"replay", fv::cli::ReplayVerb},     {"coverage", fv::cli::CoverageVerb},
    {"view", fv::cli::ViewVerb},         {"kernel", fv::cli::KernelVerb},
    {"help", fv::cli::HelpVerb},         {"--help", fv::cli::HelpVerb},
    {"-h", fv::cli::HelpVerb},           {"version", fv::cli::VersionVerb},
    {"--version", fv::cli::VersionVerb},
};

int ExitCodeOf(const fv::vmm::VmmError& error) {
  if (error.IsNoUsableKvm()) return fv::cli::kExitNoKvm;
  return error.kind() == fv::vmm::VmmErrorKind::kBadConfig ||
                 error.kind() == fv::vmm::VmmErrorKind::kBadImage
             ? fv::cli::kExitUsage
             : fv::cli::kExitHostFailure;
}

const char* HintFor(const fv::vmm::VmmError& error) {
  if (error.kind() == fv::vmm::VmmErrorKind::kNoMemory) {
    return "\nis there a limit (ulimit -v, a container's)? --mem=SIZE asks for less";
  }
  return error.IsNoUsableKvm() && FLAGS_host == "kvm"
             ? "\nrun, check, diff, inspect and view do without KVM, more slowly, with --host=qemu"
             : "";
}

// Perhaps a program was meant.
std::string NoVerb(const std::string& word) {
  const std::string text = "no verb \"" + word + "\"";
  return ::access(word.c_str(), X_OK) == 0 ? text + "; to run it: forkvisor run " + word : text;
}

// A standard stream that is closed stays unusable (EBADF), but its number is not free for the next
// file that is opened, which what is said would go into.
void HoldStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

int main(int argc, char** argv) {
  HoldStandardStreams();
  // What goes beyond a limit of files' sizes is then an error of write(2), which is said.
  std::signal(SIGXFSZ, SIG_IGN);
  const Words words(argv + 1, argv + argc);
  if (words.empty()) return fv::cli::UsageError("", "which verb?");
  for (const Verb& verb : kVerbs) {
    if (verb.name != words.front()) continue;
    try {
      return fv::cli::FinishStandardOutput(verb.run(Words(words.begin() + 1, words.end())));
    } catch (const fv::vmm::VmmError& error) {
      fv::cli::Complain(error.what() + std::string(HintFor(error)));
      return ExitCodeOf(error);
    } catch (const std::exception& error) {
      fv::cli::Complain(std::string("the host failed: ") + error.what());
      return fv::cli::kExitHostFailure;
    }
  }
  return fv::cli::UsageError("", NoVerb(words.front()));
}
