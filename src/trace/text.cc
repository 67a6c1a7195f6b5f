// SPDX-License-Identifier: Apache-2.0
#include "src/trace/text.h"

#include <fcntl.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/trace/names.h"

namespace fv::trace {
namespace {

// Letters of proto/syscalls.def. `path` is the text of the next path argument, or empty.
std::string Argument(char kind, uint64_t value, const std::string* path) {
  switch (kind) {
    case 'f':
      return static_cast<int>(value) == AT_FDCWD ? "AT_FDCWD"
                                                 : std::to_string(static_cast<int>(value));
    case 's':
      if (path != nullptr) return absl::StrCat("\"", absl::CEscape(*path), "\"");
      [[fallthrough]];
    case 'p':
    case 'a':
      return value == 0 ? "NULL" : absl::StrFormat("%#x", value);
    case 'o':
      return value == 0 ? "0" : absl::StrFormat("%#x", value);
    case 'g':
      return SignalName(value & 0xFFFFFFFF);
    case 'm':
      return absl::StrFormat("0%03o", value & 0xFFFFFFFF);
    case 'd':
      return std::to_string(static_cast<int>(value));
    case 'i': {
      // An int in most calls; a register may carry more.
      const bool is_int = value >> 32 == 0 || value >> 31 == (uint64_t{1} << 33) - 1;
      return is_int ? std::to_string(static_cast<int>(value))
                    : std::to_string(static_cast<int64_t>(value));
    }
    default:
      return std::to_string(value);
  }
}

// Addresses are easier to read in hex; nothing else is as large.
constexpr int64_t kFirstAddress = 0x10000;

bool ReturnsAddress(std::string_view name) {
  return name == "mmap" || name == "brk" || name == "mremap" || name == "shmat";
}

}  // namespace

std::string ResultText(const Call& call) {
  if (!call.Returned()) return "?";
  if (call.Interrupted()) return absl::StrCat("? ", ErrorName(call.Error()));
  if (call.Error() != 0) return absl::StrCat("-1 ", ErrorName(call.Error()));
  const SyscallInfo* info = FindSyscall(call.number);
  if (info != nullptr && ReturnsAddress(info->name) && call.result >= kFirstAddress) {
    return absl::StrFormat("%#x", static_cast<uint64_t>(call.result));
  }
  return std::to_string(call.result);
}

std::string CallText(const Call& call) {
  const SyscallInfo* info = FindSyscall(call.number);
  std::string text = absl::StrCat(SyscallName(call.number), "(");
  size_t paths = 0;
  const std::string_view kinds = info == nullptr ? "pppppp" : info->kinds;
  for (size_t i = 0; i < kinds.size() && i < call.arguments.size(); ++i) {
    if (i >= call.known_arguments) {
      absl::StrAppend(&text, ", ...");
      break;
    }
    const std::string* path = nullptr;
    if (kinds[i] == 's' && paths < call.paths.size()) path = &call.paths[paths++];
    absl::StrAppend(&text, i == 0 ? "" : ", ", Argument(kinds[i], call.arguments[i], path));
  }
  return absl::StrCat(text, ") = ", ResultText(call));
}

}  // namespace fv::trace
