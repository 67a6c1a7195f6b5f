// SPDX-License-Identifier: Apache-2.0
//
// Lines of the loader's answer: "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x7f...)",
// "libfoo.so => not found", "/lib64/ld-linux-x86-64.so.2 (0x7f...)", "linux-vdso.so.1 (0x7f...)".
#include "src/rootfs/shared_libraries.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace fv::rootfs {
namespace {

std::string Quoted(const std::string& path) {
  return absl::StrCat("'", absl::StrReplaceAll(path, {{"'", "'\\''"}}), "'");
}

// glibc opens this library by itself when a thread is cancelled or calls pthread_exit, and aborts
// the program if it is not there; no program lists it for that.
constexpr char kUnwinder[] = "libgcc_s.so.1";

// The unwinder beside the C library, or "".
std::string UnwinderFor(const std::vector<std::string>& libraries) {
  for (const std::string& library : libraries) {
    if (!absl::EndsWith(library, "/libc.so.6")) continue;
    std::string unwinder = absl::StrCat(library.substr(0, library.rfind('/') + 1), kUnwinder);
    if (access(unwinder.c_str(), R_OK) == 0) return unwinder;
  }
  return "";
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseLibraryList(std::string_view text) {
  std::vector<std::string> paths;
  for (absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    const std::vector<absl::string_view> sides = absl::StrSplit(line, absl::MaxSplits(" => ", 1));
    if (sides.size() != 2) continue;  // the loader itself, the vDSO
    if (absl::StartsWith(sides[1], "not found")) {
      return absl::NotFoundError(
          absl::StrCat("the library ", absl::StripAsciiWhitespace(sides[0]), " is not installed"));
    }
    const absl::string_view path = sides[1].substr(0, sides[1].rfind(" (0x"));
    if (absl::StartsWith(path, "/")) paths.emplace_back(path);
  }
  return paths;
}

absl::StatusOr<std::vector<std::string>> SharedLibraries(const std::string& loader,
                                                         const std::string& program) {
  if (access(loader.c_str(), X_OK) != 0) {
    return absl::NotFoundError(absl::StrCat("its loader ", loader, " is not on this machine"));
  }
  const std::string command =
      absl::StrCat("exec ", Quoted(loader), " --list ", Quoted(program), " 2>/dev/null");
  const std::unique_ptr<FILE, int (*)(FILE*)> answer(popen(command.c_str(), "re"), &pclose);
  if (answer == nullptr) return absl::InternalError("cannot start the loader");
  std::string text;
  char piece[4096];
  while (size_t bytes = fread(piece, 1, sizeof(piece), answer.get())) text.append(piece, bytes);
  absl::StatusOr<std::vector<std::string>> libraries = ParseLibraryList(text);
  if (!libraries.ok()) return libraries;
  const std::string unwinder = UnwinderFor(*libraries);
  if (!unwinder.empty() && !absl::c_linear_search(*libraries, unwinder)) {
    libraries->push_back(unwinder);
  }
  return libraries;
}

}  // namespace fv::rootfs
