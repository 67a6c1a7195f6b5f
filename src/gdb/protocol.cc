// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/protocol.h"

#include <sys/wait.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "src/gdb/packet.h"

namespace fv::gdb {
namespace {

constexpr char kOk[] = "OK";
constexpr char kUnknown[] = "";
constexpr char kMalformed[] = "E16";  // EINVAL, as GDB's own server has it
constexpr char kFault[] = "E0e";      // EFAULT
constexpr char kNoThread[] = "E03";   // ESRCH

std::string Answered(Target::Done done) {
  switch (done) {
    case Target::Done::kYes:
      return kOk;
    case Target::Done::kRefused:
      return kFault;
    case Target::Done::kUnsupported:
      return kUnknown;
  }
  return kUnknown;
}

struct Range {
  uint64_t address;
  uint64_t bytes;
};
// "ADDRESS,LENGTH", removed from the front.
std::optional<Range> TakeRange(std::string_view& text) {
  const std::optional<uint64_t> address = TakeNumber(text);
  if (!address || !TakePrefix(text, ",")) return std::nullopt;
  const std::optional<uint64_t> bytes = TakeNumber(text);
  if (!bytes) return std::nullopt;
  return Range{*address, *bytes};
}

// "-1" (all) and "0" (any) become 0.
std::optional<ThreadId> ThreadOf(std::string_view text) {
  if (text == "-1") return 0;
  const std::optional<uint64_t> id = TakeNumber(text);
  return text.empty() ? id : std::nullopt;
}

}  // namespace

Reply Protocol::Handle(std::string_view packet) {
  Reply reply;
  std::string answer = Answer(packet, reply);
  const bool waits = reply.action == Reply::Action::kResume || reply.action == Reply::Action::kKill;
  if (!waits) reply.data = std::move(answer);
  return reply;
}

std::string Protocol::Answer(std::string_view packet, Reply& reply) {
  if (packet.empty()) return kUnknown;
  const std::string_view rest = packet.substr(1);
  switch (packet.front()) {
    case '?':
      return Stopped(last_stop_);
    case 'g':
      return ReadAllRegisters();
    case 'G':
      return WriteAllRegisters(rest);
    case 'p':
      return ReadOneRegister(rest);
    case 'P':
      return WriteOneRegister(rest);
    case 'm':
      return ReadMemory(rest);
    case 'M':
      return WriteMemory(rest, Encoding::kHex);
    case 'X':
      return WriteMemory(rest, Encoding::kBinary);
    case 'H':
      return SelectThread(rest);
    case 'T':
      return ThreadIsAlive(rest);
    case 'Z':
      return Breakpoint(rest, Change::kInsert);
    case 'z':
      return Breakpoint(rest, Change::kRemove);
    case 'c':
    case 's':
      // With an address to go on from: GDB never sends one.
      return rest.empty() ? Continue(packet, reply) : kMalformed;
    case 'D':
      reply.action = Reply::Action::kDetach;
      return kOk;
    case 'k':
      reply.action = Reply::Action::kKill;
      return kOk;
    default:
      return Query(packet, reply);
  }
}

std::string Protocol::Query(std::string_view packet, Reply& reply) {
  if (TakePrefix(packet, "qSupported")) {
    return absl::StrFormat(
        "PacketSize=%x;qXfer:features:read+;swbreak+;hwbreak+;QStartNoAckMode+;vContSupported+",
        kMaxPacketBytes);
  }
  if (TakePrefix(packet, "qXfer:features:read:target.xml:")) return Features(packet);
  if (packet == "QStartNoAckMode") {
    reply.action = Reply::Action::kStopAcks;
    return kOk;
  }
  if (packet == "vCont?") return "vCont;c;C;s;S";
  if (TakePrefix(packet, "vCont;")) return Continue(packet, reply);
  if (TakePrefix(packet, "vKill")) {
    reply.action = Reply::Action::kKill;
    return kOk;
  }
  if (packet == "qfThreadInfo") return ThreadList();
  if (packet == "qsThreadInfo") return "l";
  if (TakePrefix(packet, "qThreadExtraInfo,")) return ThreadName(packet);
  if (packet == "qC") return absl::StrFormat("QC%x", target_.Current());
  if (packet == "qAttached") return "1";
  if (TakePrefix(packet, "qRcmd,")) return Monitor(packet, reply);
  return kUnknown;
}

std::string Protocol::Features(std::string_view range) const {
  const std::optional<Range> wanted = TakeRange(range);
  if (!wanted || !range.empty()) return kMalformed;
  const std::string& xml = TargetXml();
  if (wanted->address >= xml.size()) return "l";
  const std::string part =
      xml.substr(wanted->address, std::min<uint64_t>(wanted->bytes, kMaxPacketBytes / 4));
  return (wanted->address + part.size() == xml.size() ? "l" : "m") + part;
}

std::string Protocol::ReadAllRegisters() const {
  const std::optional<Registers> registers = target_.ReadRegisters(Selected());
  return registers ? registers->AllHex() : kNoThread;
}

std::string Protocol::WriteAllRegisters(std::string_view digits) {
  std::optional<Registers> registers = target_.ReadRegisters(Selected());
  if (!registers) return kNoThread;
  if (!registers->TakeAllHex(digits)) return kMalformed;
  return target_.WriteRegisters(Selected(), *registers) ? kOk : kFault;
}

std::string Protocol::ReadOneRegister(std::string_view number) const {
  const std::optional<uint64_t> index = TakeNumber(number);
  if (!index || !number.empty() || *index >= kRegisters) return kMalformed;
  const std::optional<Registers> registers = target_.ReadRegisters(Selected());
  return registers ? registers->Hex(*index) : kNoThread;
}

std::string Protocol::WriteOneRegister(std::string_view assignment) {
  const std::optional<uint64_t> index = TakeNumber(assignment);
  if (!index || *index >= kRegisters || !TakePrefix(assignment, "=")) return kMalformed;
  std::optional<Registers> registers = target_.ReadRegisters(Selected());
  if (!registers) return kNoThread;
  if (!registers->TakeHex(*index, assignment)) return kMalformed;
  return target_.WriteRegisters(Selected(), *registers) ? kOk : kFault;
}

std::string Protocol::ReadMemory(std::string_view range) const {
  const std::optional<Range> wanted = TakeRange(range);
  if (!wanted || !range.empty()) return kMalformed;
  const size_t bytes = std::min<uint64_t>(wanted->bytes, kMaxPacketBytes / 2);
  const std::string read = target_.ReadMemory(Selected(), wanted->address, bytes);
  return read.empty() && bytes > 0 ? kFault : ToHex(read);
}

std::string Protocol::WriteMemory(std::string_view request, Encoding encoding) {
  const std::optional<Range> wanted = TakeRange(request);
  if (!wanted || !TakePrefix(request, ":")) return kMalformed;
  const std::optional<std::string> bytes =
      encoding == Encoding::kBinary ? std::optional(std::string(request)) : FromHex(request);
  if (!bytes || bytes->size() != wanted->bytes) return kMalformed;
  // GDB asks in this way whether the packet is known.
  if (bytes->empty()) return kOk;
  return target_.WriteMemory(Selected(), wanted->address, *bytes) ? kOk : kFault;
}

std::string Protocol::SelectThread(std::string_view request) {
  if (request.empty()) return kMalformed;
  const char operation = request.front();
  const std::optional<ThreadId> thread = ThreadOf(request.substr(1));
  if (!thread) return kMalformed;
  if (*thread != 0 && !HasThread(*thread)) return kNoThread;
  // Which thread steps stands in vCont.
  if (operation == 'g') selected_ = *thread;
  return operation == 'g' || operation == 'c' ? kOk : kMalformed;
}

bool Protocol::HasThread(ThreadId thread) const {
  const std::vector<Thread> threads = target_.Threads();
  return std::any_of(threads.begin(), threads.end(),
                     [&](const Thread& known) { return known.id == thread; });
}

std::string Protocol::ThreadIsAlive(std::string_view id) const {
  const std::optional<ThreadId> thread = ThreadOf(id);
  return thread && HasThread(*thread) ? kOk : kNoThread;
}

// Cut where a packet is full: a guest with thousands of tasks shows the first ones.
std::string Protocol::ThreadList() const {
  std::string list = "m";
  for (const Thread& thread : target_.Threads()) {
    const std::string id = absl::StrFormat("%s%x", list.size() == 1 ? "" : ",", thread.id);
    if (list.size() + id.size() > kMaxPacketBytes) break;
    list += id;
  }
  return list;
}

std::string Protocol::ThreadName(std::string_view id) const {
  const std::optional<ThreadId> wanted = ThreadOf(id);
  for (const Thread& thread : target_.Threads()) {
    if (wanted && thread.id == *wanted) return ToHex(thread.name);
  }
  return kNoThread;
}

std::string Protocol::Breakpoint(std::string_view request, Change change) {
  if (request.empty()) return kMalformed;
  const char type = request.front();
  request.remove_prefix(1);
  if (!TakePrefix(request, ",")) return kMalformed;
  const std::optional<Range> where = TakeRange(request);
  if (!where) return kMalformed;
  // Conditions and commands for the target: not among what qSupported says.
  if (!request.empty()) return kMalformed;
  if (type == '0') {
    return Answered(change == Change::kInsert ? target_.InsertBreakpoint(Selected(), where->address)
                                              : target_.RemoveBreakpoint(where->address));
  }
  if (type < '1' || type > '4') return kUnknown;
  const bool insert = change == Change::kInsert;
  const auto kind = static_cast<Target::WatchKind>(type - '1');
  return Answered(insert ? target_.InsertWatch(kind, where->address, where->bytes)
                         : target_.RemoveWatch(kind, where->address, where->bytes));
}

// Actions of vCont, or one of the old packets c and s. One thread at most steps; signals are the
// guest kernel's affair and not for GDB to give.
std::string Protocol::Continue(std::string_view actions, Reply& reply) {
  Resume resume;
  bool meaningful = false;
  for (absl::string_view action : absl::StrSplit(std::string(actions), ';')) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(action, absl::MaxSplits(':', 1));
    if (parts.first.empty()) return kMalformed;
    const char what = parts.first.front();
    if (what != 'c' && what != 'C' && what != 's' && what != 'S') return kMalformed;
    const std::optional<ThreadId> thread =
        parts.second.empty() ? std::optional<ThreadId>(0) : ThreadOf(parts.second);
    if (!thread) return kMalformed;
    meaningful = true;
    if ((what == 's' || what == 'S') && !resume.step) {
      resume.step = *thread == 0 ? target_.Current() : *thread;
    }
  }
  if (!meaningful) return kMalformed;
  if (resume.step && !HasThread(*resume.step)) return kNoThread;
  reply.action = Reply::Action::kResume;
  reply.resume = resume;
  return kOk;
}

std::string Protocol::Monitor(std::string_view digits, Reply& reply) {
  const std::optional<std::string> command = FromHex(digits);
  if (!command) return kMalformed;
  reply.output = target_.Monitor(Selected(), *command);
  return kOk;
}

std::string Protocol::Stopped(const StopReason& reason) {
  last_stop_ = reason;
  selected_ = 0;
  std::string text = absl::StrFormat("T%02xthread:%x;", reason.signal_number, target_.Current());
  if (reason.kind == StopReason::Kind::kBreakpoint) absl::StrAppend(&text, "swbreak:;");
  if (reason.kind == StopReason::Kind::kWatchpoint) {
    absl::StrAppendFormat(&text, "watch:%x;", reason.address);
  }
  return text;
}

std::string Protocol::Exited(int wait_status) {
  return WIFSIGNALED(wait_status) ? absl::StrFormat("X%02x", WTERMSIG(wait_status))
                                  : absl::StrFormat("W%02x", WEXITSTATUS(wait_status));
}

}  // namespace fv::gdb
