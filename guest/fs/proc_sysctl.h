// SPDX-License-Identifier: Apache-2.0
//
// Numbers under /proc/sys that can be set: a file shows one and stores what is written if it lies
// in its range (sysctl(2), Linux: proc_dointvec_minmax). A value is a word of whoever obeys it; a
// file that sets more than a word has a store function of its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/proc.h"
#include "guest/fs/proc_source.h"
#include "guest/fs/text_buffer.h"

namespace fv::guest {

inline bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }

// The number that a text starts with, decimal or 0x-hexadecimal, after white space. Errors: EINVAL
// (none, something behind it, out of range).
Result<uint64_t> ParseSysctl(const char* text, size_t length, uint64_t least, uint64_t most);

template <auto& kValue>
Status ShowSysctl(TextBuffer& out, const ProcKey&) {
  out.Add("%lu\n", uint64_t{kValue});
  return Ok();
}

template <auto& kValue, uint64_t kLeast, uint64_t kMost>
Status StoreSysctl(const ProcKey&, const char* text, size_t length) {
  kValue = TRY(ParseSysctl(text, length, kLeast, kMost));
  return Ok();
}

inline constexpr uint64_t kSysctlIntMax = 0x7fffffff;

constexpr ProcNode SysctlFile(const char* name, Status (*show)(TextBuffer&, const ProcKey&),
                              Status (*store)(const ProcKey&, const char*, size_t)) {
  return {name, kTypeRegular | 0644, ProcKind::kPlain, show, store, nullptr, 0};
}
// A word that shows itself and takes [kLeast, kMost].
template <auto& kValue, uint64_t kLeast = 0, uint64_t kMost = kSysctlIntMax>
constexpr ProcNode SysctlNumber(const char* name) {
  return SysctlFile(name, ShowSysctl<kValue>, StoreSysctl<kValue, kLeast, kMost>);
}

// The files of /proc/sys/vm (proc_vm.cc).
inline constexpr size_t kProcVmCount = 12;
extern const ProcNode kProcVm[kProcVmCount];

// The files of /proc/sysvipc, and what shows and sets the next identifier (proc_sysvipc.cc).
inline constexpr size_t kProcSysvipcCount = 3;
extern const ProcNode kProcSysvipc[kProcSysvipcCount];

template <IpcKind kKind>
Status ShowNextIpcId(TextBuffer& out, const ProcKey&) {
  out.Add("%d\n", NextIpcId(kKind));
  return Ok();
}
template <IpcKind kKind>
Status StoreNextIpcId(const ProcKey&, const char* text, size_t length) {
  NextIpcId(kKind) = static_cast<int>(TRY(ParseSysctl(text, length, 0, kSysctlIntMax)));
  return Ok();
}

}  // namespace fv::guest
