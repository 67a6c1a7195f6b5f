// SPDX-License-Identifier: Apache-2.0
//
// How arguments read.
#include "src/fuzz/text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace fv::fuzz {
namespace {

std::string FlagsText(std::span<const Named> names, uint64_t value) {
  std::string text;
  for (const Named& name : names) {
    if (name.value == 0 || (value & name.value) != name.value) continue;
    absl::StrAppend(&text, text.empty() ? "" : "|", std::string(name.name));
    value &= ~name.value;
  }
  if (value != 0) absl::StrAppend(&text, text.empty() ? "" : "|", "0x", absl::Hex(value));
  return text.empty() ? "0" : text;
}

std::string LimitText(uint64_t half) {
  const auto limit = static_cast<uint32_t>(half);
  return limit == FV_FUZZ_NO_LIMIT ? "none" : absl::StrCat(limit);
}

std::string StructureText(FvFuzzStructure structure, uint64_t value) {
  switch (structure) {
    case FV_FUZZ_TIMESPEC:
      return value == FV_FUZZ_NO_TIME ? "NULL" : absl::StrFormat("{%d ns}", value);
    case FV_FUZZ_SIGSET:
      return absl::StrFormat("[mask 0x%x]", value);
    case FV_FUZZ_SIGACTION: {
      static constexpr const char* kHandlers[] = {"SIG_DFL", "SIG_IGN", "count"};
      return absl::StrFormat("{%s, flags 0x%x, mask 0x%x}", kHandlers[(value >> 32 & 0xFF) % 3],
                             value & 0xFFFFFFFF, value >> 40);
    }
    case FV_FUZZ_STACK:
      return absl::StrFormat("{arena+0x%x, %d, flags 0x%x}", (value & 0xFF) * FV_FUZZ_PAGE,
                             (value >> 8 & 0xFF) * FV_FUZZ_PAGE, value >> 32);
    case FV_FUZZ_IOVEC:
      return absl::StrFormat("[{arena+0x%x, %d}]", value & 0xFFFFFFFF, value >> 32);
    case FV_FUZZ_ITIMERSPEC:
    case FV_FUZZ_ITIMERVAL:
      return absl::StrFormat("{every %d ns, first %d ns}", value & 0xFFFFFFFF, value >> 32);
    case FV_FUZZ_SIGEVENT:
      return absl::StrFormat("{notify %d, signal %d, thread of task %d}", value & 0xFF,
                             value >> 8 & 0xFF, value >> 16 & 7);
    case FV_FUZZ_SIGINFO:
      return absl::StrFormat("{code %d, value %d}", static_cast<int32_t>(value), value >> 32);
    case FV_FUZZ_RLIMIT:
      return absl::StrFormat("{%s, %s}", LimitText(value), LimitText(value >> 32));
    case FV_FUZZ_STRING: {
      const std::string of =
          value >> 8 == 0 ? "" : absl::StrFormat(" of task %d", (value >> 8) - 1);
      return absl::StrCat("'", std::string(Strings()[value & 0xFF]), "'", of);
    }
    case FV_FUZZ_WORD:
      return absl::StrFormat("[0x%x]", value);
    case FV_FUZZ_ROBUST:
      return absl::StrFormat("{list at arena+0x%x}", value);
    case FV_FUZZ_CAPS:
      return absl::StrFormat("{effective 0x%x, permitted 0x%x}", value & 0xFFFFFFFF, value >> 32);
    case FV_FUZZ_SCHED:
      return absl::StrFormat("{policy %d, priority %d, nice %d, flags 0x%x}", value & 0xFF,
                             value >> 8 & 0xFF, static_cast<int8_t>(value >> 16), value >> 24);
    default:
      return "&output";
  }
}

}  // namespace

std::string ValueText(const ArgumentSpec& spec, uint64_t value) {
  if (spec.type == ArgumentType::kFlags) return FlagsText(spec.names, value);
  for (const Named& name : spec.names) {
    if (name.value == value) return std::string(name.name);
  }
  if (value == ~uint64_t{0}) return "-1";
  return value < 0x10000 ? absl::StrCat(value) : absl::StrFormat("0x%x", value);
}

std::string ArgumentText(const ArgumentSpec& spec, const Argument& argument) {
  switch (argument.kind) {
    case ArgumentKind::kConst:
      return ValueText(spec, argument.value);
    case ArgumentKind::kResult:
      return absl::StrFormat("result(%d.%d)%s", argument.task, argument.step,
                             argument.value == 0 ? "" : absl::StrFormat("+0x%x", argument.value));
    case ArgumentKind::kOutput:
      return absl::StrFormat("output(%d.%d)[%d]", argument.task, argument.step, argument.value);
    case ArgumentKind::kArena:
      return absl::StrFormat("arena+0x%x", argument.value);
    case ArgumentKind::kBreak:
      return absl::StrFormat("break+0x%x", argument.value);
    case ArgumentKind::kPid:
      return absl::StrFormat("%spid(task %d)", argument.value == 1 ? "" : "-", argument.task);
    case ArgumentKind::kStructure:
      return StructureText(static_cast<FvFuzzStructure>(argument.task), argument.value);
    case ArgumentKind::kTask:
      return absl::StrFormat("task %d", argument.value);
  }
  return "?";
}

std::string StepText(const Step& step) {
  const CallSpec& call = *FindCall(step.call);
  std::string text = absl::StrCat(std::string(call.name), "(");
  for (size_t i = 0; i < step.arguments.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", ArgumentText(call.arguments[i], step.arguments[i]));
  }
  return text + ")";
}

std::string StepsText(const Program& program) {
  std::string text;
  for (size_t task = 0; task < program.tasks.size(); ++task) {
    for (const Step& step : program.tasks[task].steps) {
      absl::StrAppend(&text, "[task ", task, "] ", StepText(step), "\n");
    }
  }
  return text;
}

}  // namespace fv::fuzz
