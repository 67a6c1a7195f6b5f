// SPDX-License-Identifier: Apache-2.0
//
// The end of a kernel that did wrong: a panic whose text src/inspect/sanitizer_report.h reads,
//
//   kasan: KIND: WHAT; at CODE...[; allocated PID CODE...][; freed PID CODE...]
//   ubsan: KIND: WHAT; at CODE...
//
// CODE: return addresses, hexadecimal, as offsets from the kernel's base, the inner one first.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "guest/lib/sanitize.h"

namespace fv::guest::sanitize {

// `address` is the first byte of the access that is wrong; `frame` is of a function whose caller
// accessed it. Returns if that is no error after all: another report is under way.
void ReportAccess(uint64_t address, size_t bytes, Access access, const void* frame);
enum class FreeError : uint8_t { kNotInUse, kNotAnObject };
void ReportFree(const void* object, FreeError error, const void* frame);
void ReportUndefined(const char* kind, const char* file, uint32_t line, uint32_t column,
                     const char* what, const void* frame);

}  // namespace fv::guest::sanitize
