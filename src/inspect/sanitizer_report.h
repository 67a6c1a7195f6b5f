// SPDX-License-Identifier: Apache-2.0
//
// The last words of a guest kernel that found an error of its own (guest/sanitize/report.h), with
// names for the places in its code. The words may be anything: the guest is not trusted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fv::inspect {

struct SanitizerReport {
  std::string tool;   // "kasan" or "ubsan"
  std::string kind;   // "slab-use-after-free"
  std::string place;  // what tells the bug from others: kind and the function that is wrong
  std::string text;   // for people, several lines, the first is the kernel's own
};

// None if the message of a panic is no such report. `kernel` is the ELF file of the kernel.
std::optional<SanitizerReport> ReadSanitizerReport(std::string_view message,
                                                   std::span<const uint8_t> kernel);

}  // namespace fv::inspect
