// SPDX-License-Identifier: Apache-2.0
//
// Programs as text: .textproto (proto/program.proto), and call by call as strace(1) would print
// them.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "src/fuzz/calls.h"
#include "src/fuzz/program.h"

namespace fv::fuzz {

std::string ToText(const Program& program);
// The same message in protobuf's JSON form.
std::string ToJson(const Program& program);
// InvalidArgument says what is wrong: the text, or the first call that is not valid.
absl::StatusOr<Program> ParseText(std::string_view text);

// "PROT_READ|PROT_WRITE", "SIGUSR1", "0x8000", "-1".
std::string ValueText(const ArgumentSpec& spec, uint64_t value);
// "arena+0x3008", "pid(task 2)", "result(0.3)", "&sigaction{...}".
std::string ArgumentText(const ArgumentSpec& spec, const Argument& argument);
// "mmap(arena+0x3000, 4096, PROT_READ, ...)".
std::string StepText(const Step& step);
// A line for each call, task by task.
std::string StepsText(const Program& program);

}  // namespace fv::fuzz
