// SPDX-License-Identifier: Apache-2.0
//
// Programs to and from proto/program.proto.
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/program.pb.h"
#include "src/fuzz/text.h"

namespace fv::fuzz {
namespace {

constexpr uint64_t kLow = 0xFFFFFFFF;

uint32_t Low(uint64_t value) { return static_cast<uint32_t>(value & kLow); }

void PutTimer(uint64_t value, proto::Timer& to) {
  to.set_interval_ns(Low(value));
  to.set_value_ns(Low(value >> 32));
}

uint64_t TakeTimer(const proto::Timer& from) {
  return from.interval_ns() | uint64_t{from.value_ns()} << 32;
}

// Those that are a message of their own.
void PutRecord(FvFuzzStructure structure, uint64_t value, proto::Structure& to) {
  switch (structure) {
    case FV_FUZZ_SIGEVENT:
      to.mutable_sigevent()->set_notify(Low(value & 0xFF));
      to.mutable_sigevent()->set_signal(Low(value >> 8 & 0xFF));
      return to.mutable_sigevent()->set_task(Low(value >> 16));
    case FV_FUZZ_SIGINFO:
      to.mutable_siginfo()->set_code(static_cast<int32_t>(value));
      return to.mutable_siginfo()->set_value(Low(value >> 32));
    case FV_FUZZ_RLIMIT:
      to.mutable_rlimit()->set_soft(Low(value));
      return to.mutable_rlimit()->set_hard(Low(value >> 32));
    case FV_FUZZ_STRING:
      to.mutable_text()->set_text(std::string(Strings()[value & 0xFF]));
      return to.mutable_text()->set_task_of(Low(value >> 8));
    case FV_FUZZ_CAPS:
      to.mutable_capabilities()->set_effective(Low(value));
      return to.mutable_capabilities()->set_permitted(Low(value >> 32));
    default:
      to.mutable_sched_attr()->set_policy(Low(value & 0xFF));
      to.mutable_sched_attr()->set_priority(Low(value >> 8 & 0xFF));
      to.mutable_sched_attr()->set_nice(static_cast<int8_t>(value >> 16));
      return to.mutable_sched_attr()->set_flags(Low(value >> 24));
  }
}

void PutStructure(FvFuzzStructure structure, uint64_t value, proto::Structure& to) {
  switch (structure) {
    case FV_FUZZ_TIMESPEC:
      return to.set_timespec_ns(value);
    case FV_FUZZ_SIGSET:
      return to.set_sigset(value);
    case FV_FUZZ_SIGACTION:
      to.mutable_sigaction()->set_flags(Low(value));
      to.mutable_sigaction()->set_handler(static_cast<proto::Action::Handler>(value >> 32 & 0xFF));
      return to.mutable_sigaction()->set_mask(Low(value >> 40));
    case FV_FUZZ_STACK:
      to.mutable_stack()->set_page(Low(value & 0xFF));
      to.mutable_stack()->set_pages(Low(value >> 8 & 0xFF));
      return to.mutable_stack()->set_flags(Low(value >> 32));
    case FV_FUZZ_IOVEC:
      to.mutable_iovec()->set_offset(Low(value));
      return to.mutable_iovec()->set_length(Low(value >> 32));
    case FV_FUZZ_ITIMERSPEC:
      return PutTimer(value, *to.mutable_itimerspec());
    case FV_FUZZ_ITIMERVAL:
      return PutTimer(value, *to.mutable_itimerval());
    case FV_FUZZ_WORD:
      return to.set_word(value);
    case FV_FUZZ_ROBUST:
      return to.set_robust_list(Low(value));
    case FV_FUZZ_OUTBUF:
      return to.set_outbuf(true);
    default:
      return PutRecord(structure, value, to);
  }
}

void PutEarlier(const Argument& from, proto::Earlier& to) {
  to.set_task(from.task);
  to.set_call(from.step);
  to.set_value(from.value);
}

void PutConstant(const ArgumentSpec& spec, uint64_t value, proto::Argument& to) {
  if (!spec.names.empty()) {
    to.set_flags(ValueText(spec, value));
  } else if (value == ~uint64_t{0}) {
    to.set_negative(-1);
  } else {
    to.set_value(value);
  }
}

void PutArgument(const ArgumentSpec& spec, const Argument& from, proto::Argument& to) {
  switch (from.kind) {
    case ArgumentKind::kConst:
      return PutConstant(spec, from.value, to);
    case ArgumentKind::kResult:
      return PutEarlier(from, *to.mutable_result());
    case ArgumentKind::kOutput:
      return PutEarlier(from, *to.mutable_output());
    case ArgumentKind::kArena:
      to.mutable_arena()->set_page(Low(from.value / FV_FUZZ_PAGE));
      return to.mutable_arena()->set_offset(Low(from.value % FV_FUZZ_PAGE));
    case ArgumentKind::kBreak:
      return to.set_program_break(from.value);
    case ArgumentKind::kPid:
      return from.value == 1 ? to.set_pid(from.task) : to.set_group(from.task);
    case ArgumentKind::kStructure:
      return PutStructure(static_cast<FvFuzzStructure>(from.task), from.value,
                          *to.mutable_structure());
    case ArgumentKind::kTask:
      return to.set_task(Low(from.value));
  }
}

// The place of a string; that of none is the first one's, which TakeStructure notices.
uint64_t PlaceOfString(const std::string& text) {
  const auto strings = Strings();
  const auto found = std::find(strings.begin(), strings.end(), text);
  return found == strings.end() ? 0 : static_cast<uint64_t>(found - strings.begin());
}

// Those that are a message of their own.
uint64_t TakeRecord(const proto::Structure& from) {
  switch (from.kind_case()) {
    case proto::Structure::kSigevent:
      return from.sigevent().notify() | uint64_t{from.sigevent().signal()} << 8 |
             uint64_t{from.sigevent().task()} << 16;
    case proto::Structure::kSiginfo:
      return static_cast<uint32_t>(from.siginfo().code()) | uint64_t{from.siginfo().value()} << 32;
    case proto::Structure::kRlimit:
      return from.rlimit().soft() | uint64_t{from.rlimit().hard()} << 32;
    case proto::Structure::kText:
      return PlaceOfString(from.text().text()) | uint64_t{from.text().task_of()} << 8;
    case proto::Structure::kCapabilities:
      return from.capabilities().effective() | uint64_t{from.capabilities().permitted()} << 32;
    default:
      return from.sched_attr().policy() | uint64_t{from.sched_attr().priority()} << 8 |
             (static_cast<uint64_t>(from.sched_attr().nice()) & 0xFF) << 16 |
             uint64_t{from.sched_attr().flags()} << 24;
  }
}

Argument StructureOf(const proto::Structure& from) {
  Argument argument{.kind = ArgumentKind::kStructure, .task = FV_FUZZ_OUTBUF};
  const auto set = [&argument](FvFuzzStructure structure, uint64_t value) {
    argument.task = static_cast<uint8_t>(structure);
    argument.value = value;
  };
  switch (from.kind_case()) {
    case proto::Structure::kTimespecNs:
      set(FV_FUZZ_TIMESPEC, from.timespec_ns());
      break;
    case proto::Structure::kSigset:
      set(FV_FUZZ_SIGSET, from.sigset());
      break;
    case proto::Structure::kSigaction:
      set(FV_FUZZ_SIGACTION, from.sigaction().flags() |
                                 static_cast<uint64_t>(from.sigaction().handler()) << 32 |
                                 uint64_t{from.sigaction().mask()} << 40);
      break;
    case proto::Structure::kStack:
      set(FV_FUZZ_STACK, uint64_t{from.stack().page() & 0xFFu} |
                             uint64_t{from.stack().pages() & 0xFFu} << 8 |
                             uint64_t{from.stack().flags()} << 32);
      break;
    case proto::Structure::kIovec:
      set(FV_FUZZ_IOVEC, from.iovec().offset() | uint64_t{from.iovec().length()} << 32);
      break;
    case proto::Structure::kItimerspec:
      set(FV_FUZZ_ITIMERSPEC, TakeTimer(from.itimerspec()));
      break;
    case proto::Structure::kItimerval:
      set(FV_FUZZ_ITIMERVAL, TakeTimer(from.itimerval()));
      break;
    case proto::Structure::kWord:
      set(FV_FUZZ_WORD, from.word());
      break;
    case proto::Structure::kRobustList:
      set(FV_FUZZ_ROBUST, from.robust_list());
      break;
    case proto::Structure::kSigevent:
      set(FV_FUZZ_SIGEVENT, TakeRecord(from));
      break;
    case proto::Structure::kSiginfo:
      set(FV_FUZZ_SIGINFO, TakeRecord(from));
      break;
    case proto::Structure::kRlimit:
      set(FV_FUZZ_RLIMIT, TakeRecord(from));
      break;
    case proto::Structure::kText:
      set(FV_FUZZ_STRING, TakeRecord(from));
      break;
    case proto::Structure::kCapabilities:
      set(FV_FUZZ_CAPS, TakeRecord(from));
      break;
    case proto::Structure::kSchedAttr:
      set(FV_FUZZ_SCHED, TakeRecord(from));
      break;
    default:
      break;
  }
  return argument;
}

// InvalidArgument: it says more than 64 bits hold, or names a string that there is not.
absl::StatusOr<Argument> TakeStructure(const proto::Structure& from) {
  const Argument argument = StructureOf(from);
  proto::Structure again;
  PutStructure(static_cast<FvFuzzStructure>(argument.task), argument.value, again);
  const bool is_empty = from.kind_case() == proto::Structure::KIND_NOT_SET;
  if (is_empty || google::protobuf::util::MessageDifferencer::Equals(again, from)) return argument;
  return absl::InvalidArgumentError(absl::StrCat("impossible: ", from.ShortDebugString()));
}

// A task or a step of one. Of those that are too large none is valid.
uint8_t Place(uint32_t number) {
  return static_cast<uint8_t>(std::min<uint32_t>(number, std::numeric_limits<uint8_t>::max()));
}

// The value of "A|B|0x4"; nullopt if a name is unknown.
std::optional<uint64_t> ParseNames(const ArgumentSpec& spec, const std::string& text) {
  for (const Named& named : spec.names) {
    if (named.name == text) return named.value;
  }
  uint64_t value = 0;
  for (absl::string_view word : absl::StrSplit(text, '|')) {
    const std::string_view name(word.data(), word.size());
    bool found = false;
    for (const Named& named : spec.names) {
      if (named.name != name) continue;
      value |= named.value;
      found = true;
      break;
    }
    if (found) continue;
    const std::string number(name);
    char* end = nullptr;
    value |= std::strtoull(number.c_str(), &end, 0);
    if (number.empty() || *end != 0) return std::nullopt;
  }
  return value;
}

Argument TakeEarlier(ArgumentKind kind, const proto::Earlier& from) {
  return {
      .kind = kind, .task = Place(from.task()), .step = Place(from.call()), .value = from.value()};
}

absl::StatusOr<Argument> TakeArgument(const ArgumentSpec& spec, const proto::Argument& from) {
  using Kind = ArgumentKind;
  switch (from.kind_case()) {
    case proto::Argument::kFlags: {
      const std::optional<uint64_t> value = ParseNames(spec, from.flags());
      if (!value) return absl::InvalidArgumentError(absl::StrCat("unknown: ", from.flags()));
      return Argument{.value = *value};
    }
    case proto::Argument::kNegative:
      return Argument{.value = static_cast<uint64_t>(from.negative())};
    case proto::Argument::kArena:
      return Argument{.kind = Kind::kArena,
                      .value = from.arena().page() * FV_FUZZ_PAGE + from.arena().offset()};
    case proto::Argument::kProgramBreak:
      return Argument{.kind = Kind::kBreak, .value = from.program_break()};
    case proto::Argument::kResult:
      return TakeEarlier(Kind::kResult, from.result());
    case proto::Argument::kOutput:
      return TakeEarlier(Kind::kOutput, from.output());
    case proto::Argument::kPid:
      return Argument{.kind = Kind::kPid, .task = Place(from.pid()), .value = 1};
    case proto::Argument::kGroup:
      return Argument{.kind = Kind::kPid, .task = Place(from.group()), .value = ~uint64_t{0}};
    case proto::Argument::kTask:
      return Argument{.kind = Kind::kTask, .value = from.task()};
    case proto::Argument::kStructure:
      return TakeStructure(from.structure());
    default:
      return Argument{.value = from.value()};
  }
}

absl::StatusOr<Step> TakeStep(const proto::Call& from) {
  const CallSpec* call = FindCall(from.name());
  if (call == nullptr) return absl::InvalidArgumentError(absl::StrCat("no call ", from.name()));
  if (from.arguments_size() != static_cast<int>(call->arguments.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat(from.name(), " has ", call->arguments.size(), " arguments"));
  }
  Step step{.call = call->number, .arguments = {}};
  for (int i = 0; i < from.arguments_size(); ++i) {
    absl::StatusOr<Argument> argument =
        TakeArgument(call->arguments[static_cast<size_t>(i)], from.arguments(i));
    if (!argument.ok()) return argument.status();
    step.arguments.push_back(*argument);
  }
  return step;
}

// Keeps the first message of the parser.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

proto::Program ToMessage(const Program& program) {
  proto::Program to;
  to.set_order(program.order == Order::kFree ? proto::Program::FREE : proto::Program::TURNS);
  for (uint8_t turn : program.turns) to.add_turns(turn);
  for (const TaskProgram& task : program.tasks) {
    proto::Task& to_task = *to.add_tasks();
    for (const Step& step : task.steps) {
      const CallSpec& call = *FindCall(step.call);
      proto::Call& to_call = *to_task.add_calls();
      to_call.set_name(std::string(call.name));
      for (size_t i = 0; i < step.arguments.size(); ++i) {
        PutArgument(call.arguments[i], step.arguments[i], *to_call.add_arguments());
      }
    }
  }
  return to;
}

}  // namespace

std::string ToText(const Program& program) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  std::string text;
  printer.PrintToString(ToMessage(program), &text);
  return "# proto-file: proto/program.proto\n# proto-message: fv.fuzz.proto.Program\n" + text;
}

std::string ToJson(const Program& program) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string text;
  const auto status =
      google::protobuf::util::MessageToJsonString(ToMessage(program), &text, options);
  return status.ok() ? text : "";
}

absl::StatusOr<Program> ParseText(std::string_view text) {
  proto::Program from;
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (!parser.ParseFromString(std::string(text), &from)) {
    return absl::InvalidArgumentError(error.text());
  }
  Program program;
  program.order = from.order() == proto::Program::FREE ? Order::kFree : Order::kTurns;
  for (uint32_t turn : from.turns()) program.turns.push_back(Place(turn));
  for (const proto::Task& task : from.tasks()) {
    TaskProgram& to = program.tasks.emplace_back();
    for (const proto::Call& call : task.calls()) {
      absl::StatusOr<Step> step = TakeStep(call);
      if (!step.ok()) {
        return absl::InvalidArgumentError(absl::StrCat("task ", program.tasks.size() - 1, ", call ",
                                                       to.steps.size(), ": ",
                                                       step.status().message()));
      }
      to.steps.push_back(*std::move(step));
    }
  }
  Program repaired = program;
  Repair(repaired);
  // What was left out may be added; what was said is not changed in silence.
  const bool same_turns =
      program.turns.size() <= repaired.turns.size() &&
      std::equal(program.turns.begin(), program.turns.end(), repaired.turns.begin());
  if (repaired.tasks != program.tasks || !same_turns) {
    return absl::InvalidArgumentError("not a valid program (docs/fuzzing.md): nearest is\n" +
                                      ToText(repaired));
  }
  return repaired;
}

}  // namespace fv::fuzz
