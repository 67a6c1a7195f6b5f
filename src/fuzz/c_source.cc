// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/c_source.h"

#include <sys/syscall.h>

#include <span>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/fuzz/calls.h"
#include "src/fuzz/executor_encoding_text.h"
#include "src/fuzz/executor_faults_text.h"
#include "src/fuzz/executor_lifecycle_text.h"
#include "src/fuzz/executor_monitor_text.h"
#include "src/fuzz/executor_print_text.h"
#include "src/fuzz/executor_runtime_text.h"
#include "src/fuzz/executor_strings_text.h"
#include "src/fuzz/executor_structures_text.h"
#include "src/fuzz/executor_turns_text.h"
#include "src/fuzz/text.h"
#include "src/trace/names.h"

namespace fv::fuzz {
namespace {

constexpr int kErrorNames = 134;
constexpr uint32_t kLimitMs = 5000;

struct Source {
  std::string_view path;
  std::span<const uint8_t> (*text)();
};
constexpr Source kSources[] = {
    {"src/fuzz/encoding.h", &embedded::FuzzEncodingText},
    {"src/fuzz/executor/faults.h", &embedded::FuzzFaultsText},
    {"src/fuzz/executor/lifecycle.h", &embedded::FuzzLifecycleText},
    {"src/fuzz/executor/monitor.h", &embedded::FuzzMonitorText},
    {"src/fuzz/executor/print.h", &embedded::FuzzPrintText},
    {"src/fuzz/executor/runtime.h", &embedded::FuzzRuntimeText},
    {"src/fuzz/executor/strings.h", &embedded::FuzzStringsText},
    {"src/fuzz/executor/structures.h", &embedded::FuzzStructuresText},
    {"src/fuzz/executor/turns.h", &embedded::FuzzTurnsText},
};

// The text of one of the executor's files, and where it includes another one that one's.
std::string Inlined(std::string_view path) {
  std::string_view text;
  for (const Source& source : kSources) {
    if (source.path != path) continue;
    const std::span<const uint8_t> bytes = source.text();
    text = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  constexpr std::string_view kInclude = "#include \"src/fuzz/";
  std::string out;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.substr(0, kInclude.size()) == kInclude) {
      out += Inlined(line.substr(10, line.size() - 11));
    } else {
      absl::StrAppend(&out, std::string(line), "\n");
    }
  }
  return out;
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string Number(uint64_t value) {
  return value < 4096 ? absl::StrCat(value) : absl::StrFormat("0x%xull", value);
}

// The value of an argument as C.
std::string ValueOf(size_t task, size_t place, const Argument& argument) {
  switch (argument.kind) {
    case ArgumentKind::kResult:
      return absl::StrFormat("RESULT(%d, %d) + %s", argument.task, argument.step,
                             Number(argument.value));
    case ArgumentKind::kOutput:
      return absl::StrFormat("OUTPUT(%d, %d, %d)", argument.task, argument.step, argument.value);
    case ArgumentKind::kArena:
      return absl::StrFormat("ARENA(0x%x)", argument.value);
    case ArgumentKind::kBreak:
      return absl::StrFormat("BREAK(0x%x)", argument.value);
    case ArgumentKind::kPid:
      return absl::StrFormat("%sPID(%d)", argument.value == 1 ? "" : "-", argument.task);
    case ArgumentKind::kStructure:
      return absl::StrFormat("Structure(%d, %d, %d, %s)", task, place, argument.task,
                             Number(argument.value));
    default:
      return Number(argument.value);
  }
}

std::string CallOf(const Program& program, size_t task, size_t index) {
  const Step& step = program.tasks[task].steps[index];
  const CallSpec& spec = *FindCall(step.call);
  std::string values[FV_FUZZ_ARGUMENTS];
  int outbuf = -1;
  for (size_t i = 0; i < step.arguments.size(); ++i) {
    values[i] = ValueOf(task, i, step.arguments[i]);
    const bool is_outbuf = step.arguments[i].kind == ArgumentKind::kStructure &&
                           step.arguments[i].task == FV_FUZZ_OUTBUF;
    if (is_outbuf) outbuf = static_cast<int>(i);
  }
  const bool has_name = step.call == SystemCallOf(step.call);
  const std::string number = has_name ? absl::StrCat("__NR_", std::string(spec.name))
                                      : absl::StrFormat("0x%x /* %s */", step.call, spec.name);
  if (spec.Spawns()) {
    const std::string flags = values[1].empty() ? "0" : values[1];
    const std::string signal = values[2].empty() ? "0" : values[2];
    const std::string place = values[3].empty() ? "0" : values[3];
    return absl::StrFormat("Clone(%d, %d, %s, %s, %s, %s, %s)", task, index, number, values[0],
                           flags, signal, place);
  }
  if (step.call == SYS_execve) {
    return absl::StrFormat("Exec(%d, %d, %s)", task, index, values[0]);
  }
  std::string list;
  for (size_t i = 0; i < step.arguments.size(); ++i) {
    absl::StrAppend(&list, i == 0 ? "" : ", ", values[i]);
  }
  return absl::StrFormat("Call(%d, %d, %s, (const uint64_t[6]){%s}, %d)", task, index, number,
                         list.empty() ? "0" : list, outbuf);
}

std::string TaskFunction(const Program& program, size_t task) {
  std::string text = absl::StrFormat("static void Task%d(unsigned from) {\n", task);
  if (task == 0) text += "  if (from == 0) BeginFirst();\n";
  const auto& steps = program.tasks[task].steps;
  if (steps.empty()) text += "  (void)from;\n";
  for (size_t i = 0; i < steps.size(); ++i) {
    const uint32_t flags = StepFlags(steps[i]);
    absl::StrAppend(&text, absl::StrFormat("  if (from <= %d) {  // %s\n", i, StepText(steps[i])),
                    absl::StrFormat("    BeforeStep(%d, %d, %d);\n", task, i, flags),
                    absl::StrFormat("    AfterStep(%d, %d, %d,\n              %s);\n  }\n", task, i,
                                    flags, CallOf(program, task, i)));
  }
  return text + "}\n\n";
}

std::string RunTaskFunction(const Program& program) {
  std::string text = "static void RunTask(unsigned task, unsigned from) {\n";
  for (size_t task = 0; task < program.tasks.size(); ++task) {
    absl::StrAppend(&text, absl::StrFormat("  if (task == %d) Task%d(from);\n", task, task));
  }
  return text + "}\n\n";
}

const char* PrintedAs(ResultType type) {
  switch (type) {
    case ResultType::kAddress:
      return "kAsAddress";
    case ResultType::kTask:
      return "kAsTask";
    default:
      return "kAsNumber";
  }
}

std::string StepTexts(const Program& program) {
  std::string text = "static const struct StepText step_texts[FV_FUZZ_TASKS][FV_FUZZ_STEPS] = {\n";
  for (const TaskProgram& task : program.tasks) {
    text += "    {\n";
    for (const Step& step : task.steps) {
      const CallSpec& call = *FindCall(step.call);
      absl::StrAppend(&text, "        {", Quoted(StepText(step)), ", ", PrintedAs(call.result),
                      ", ", call.output == OutputType::kValue ? 1 : 0, "},\n");
    }
    const bool is_full = task.steps.size() == FV_FUZZ_STEPS;
    text += is_full ? "    },\n" : "        {NULL, kAsNumber, 0},\n    },\n";
  }
  return text + "};\n\n";
}

std::string ErrorNames() {
  std::string text = "static const char* const error_names[ERROR_NAMES] = {\n    \"0\"";
  for (int error = 1; error < kErrorNames; ++error) {
    absl::StrAppend(&text, ",", error % 8 == 0 ? "\n    " : " ", Quoted(trace::ErrorName(error)));
  }
  return text + "};\n\n";
}

std::string MainFunction(const Program& program) {
  std::string turns;
  for (const uint8_t turn : program.turns) {
    absl::StrAppend(&turns, turns.empty() ? "" : ", ", static_cast<unsigned>(turn));
  }
  return absl::StrFormat(
      "int main(int argc, char** argv) {\n"
      "  static const uint8_t order[] = {%s};\n"
      "  if (argc > 1) NextImage(argv[1]);\n"
      "  MapShared(0x40 | 0x200);  // O_CREAT | O_TRUNC\n"
      "  header->magic = FV_FUZZ_MAGIC;\n"
      "  header->flags = %d;\n"
      "  header->turns = sizeof(order);\n"
      "  header->limit_ms = %d;\n"
      "  for (unsigned i = 0; i < sizeof(order); ++i) {\n"
      "    shared->program[sizeof(struct FvFuzzHeader) + i] = order[i];\n"
      "  }\n"
      "  BeginProgram();\n"
      "  RunProgram();\n"
      "  return 0;\n"
      "}\n",
      turns, program.order == Order::kTurns ? FV_FUZZ_TURNWISE : 0, kLimitMs);
}

}  // namespace

std::string ToCSource(const Program& program) {
  std::string text =
      "// A fuzz program of forkvisor, for x86-64 Linux: cc FILE.c && ./a.out\n"
      "// The calls of the tasks are at the end; what they run on comes first.\n";
  absl::StrAppend(&text, "#define ERROR_NAMES ", kErrorNames, "\n",
                  Inlined("src/fuzz/executor/lifecycle.h"), Inlined("src/fuzz/executor/print.h"),
                  "\n// ---- the program ----\n\n", StepTexts(program), ErrorNames());
  for (size_t task = 0; task < program.tasks.size(); ++task) text += TaskFunction(program, task);
  return absl::StrCat(text, RunTaskFunction(program), MainFunction(program));
}

}  // namespace fv::fuzz
