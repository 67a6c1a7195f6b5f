// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID files of one line or a table each; status is in proc_status.cc, maps in proc_maps.cc.
#include "guest/fs/proc_mm.h"
#include "guest/fs/proc_show.h"
#include "guest/fs/proc_source.h"
#include "guest/fs/proc_sysctl.h"
#include "guest/lib/string.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

constexpr uint64_t kTickNs = 10'000'000;  // USER_HZ = 100
constexpr uint64_t kNoLimitValue = ~uint64_t{0};
constexpr size_t kMaxArguments = size_t{128} * 1024;

struct LimitName {
  const char* name;
  const char* unit;
};
// By RLIMIT_ number.
constexpr LimitName kLimits[16] = {
    {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
    {"Max data size", "bytes"},      {"Max stack size", "bytes"},
    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
    {"Max processes", "processes"},  {"Max open files", "files"},
    {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
    {"Max file locks", "locks"},     {"Max pending signals", "signals"},
    {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
    {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
};

void AddLimit(TextBuffer& out, uint64_t value) {
  if (value == kNoLimitValue) {
    out.Add("%-20s ", "unlimited");
  } else {
    out.Add("%-20lu ", value);
  }
}

// [start, end) of the task's memory, as far as it can be read.
Status ShowMemory(TextBuffer& out, uint32_t task, bool environment) {
  const MmRef mm(TRY(GetTaskMm(task)));
  if (!mm) {
    return Ok();
  }
  TaskInfo info;
  if (!FillTaskInfo(task, info)) {
    return Error(ESRCH);
  }
  const uint64_t start = environment ? info.environment_start : info.argument_start;
  const uint64_t end = environment ? info.environment_end : info.argument_end;
  const size_t bytes = end <= start ? 0 : end - start < kMaxArguments ? end - start : kMaxArguments;
  char* place = bytes == 0 ? nullptr : out.Grow(bytes);
  if (place != nullptr) {
    out.Shrink(out.size() - bytes + CopyFromUserPartial(*mm, place, start, bytes));
  }
  return Ok();
}

// "-12" or "34", with white space around it. Errors: EINVAL.
Result<int32_t> ParseInteger(const char* text, size_t length) {
  size_t at = 0;
  while (at < length && IsSpace(text[at])) {
    ++at;
  }
  while (length > at && IsSpace(text[length - 1])) {
    --length;
  }
  const bool negative = at < length && text[at] == '-';
  at += negative ? 1 : 0;
  int32_t value = 0;
  const size_t first = at;
  while (at < length && text[at] >= '0' && text[at] <= '9' && value < 1'000'000) {
    value = value * 10 + (text[at++] - '0');
  }
  if (at == first || at != length) {
    return Error(EINVAL);
  }
  return negative ? -value : value;
}

Status Fill(uint32_t task, TaskInfo& out) { return FillTaskInfo(task, out) ? Ok() : Error(ESRCH); }

}  // namespace

Status ShowTaskStat(TextBuffer& out, const ProcKey& key) {
  TaskInfo info;
  TRY(Fill(key.task, info));
  TaskIds ids;
  if (!FillTaskIds(key.task, key.reader, ids)) {
    return Error(ESRCH);
  }
  const MmRef mm(key.task == 0 ? nullptr : GetTaskMmOrNull(key.task));
  const MmNumbers numbers = NumbersOf(mm.get());
  const bool see = MayInspectTask(key.task);
  out.Add("%u (%.*s) %c %u %u %u %u %d %u %lu %lu %lu %lu", ids.pid,
          static_cast<int>(sizeof(info.comm)), info.comm, info.state, ids.ppid, ids.pgid, ids.sid,
          info.tty_device,
          info.tty_device != 0 ? static_cast<int>(NumberForReader(key.reader, info.tty_foreground))
                               : -1,
          info.flags, info.minor_faults, info.child_minor_faults, info.major_faults,
          info.child_major_faults);
  out.Add(" %lu %lu %ld %ld %d %d %u 0 %lu", info.user_ns / kTickNs, info.system_ns / kTickNs,
          static_cast<long>(info.child_user_ns / kTickNs),
          static_cast<long>(info.child_system_ns / kTickNs), info.priority, info.nice, info.threads,
          info.start_ns / kTickNs);
  out.Add(" %lu %lu %lu %lu %lu %lu 0 0", numbers.virtual_pages * proto::kPageBytes,
          numbers.resident_pages, info.rlimit_cur[5], see ? numbers.start_code : 1,
          see ? numbers.end_code : 1, see ? numbers.start_stack : 0);
  // Signals, then wchan, swap counters, exit signal, CPU, scheduling.
  out.Add(" %lu %lu %lu %lu 0 0 0 %u %u %u %u 0 0 0",
          (info.pending | info.shared_pending) & 0x7fffffff, info.blocked & 0x7fffffff,
          info.ignored & 0x7fffffff, info.caught & 0x7fffffff, info.exit_signal, info.cpu,
          info.rt_priority, info.policy);
  out.Add(" %lu %lu %lu %lu %lu %lu %lu %u\n", see ? numbers.start_data : 0,
          see ? numbers.end_data : 0, see ? numbers.start_brk : 0, see ? info.argument_start : 0,
          see ? info.argument_end : 0, see ? info.environment_start : 0,
          see ? info.environment_end : 0, see ? info.exit_code : 0);
  return Ok();
}

Status ShowStatm(TextBuffer& out, const ProcKey& key) {
  const MmRef mm(GetTaskMmOrNull(key.task));
  const MmNumbers n = NumbersOf(mm.get());
  out.Add("%lu %lu %lu %lu 0 %lu 0\n", n.virtual_pages, n.resident_pages, n.file_pages,
          n.code_pages, n.data_pages + n.stack_pages);
  return Ok();
}

Status ShowComm(TextBuffer& out, const ProcKey& key) {
  TaskInfo info;
  TRY(Fill(key.task, info));
  out.Add("%.*s\n", static_cast<int>(sizeof(info.comm)), info.comm);
  return Ok();
}

Status StoreComm(const ProcKey& key, const char* text, size_t length) {
  if (length > 0 && text[length - 1] == '\n') {
    --length;
  }
  return SetTaskComm(key.task, text, static_cast<uint32_t>(length));
}

Status ShowCmdline(TextBuffer& out, const ProcKey& key) { return ShowMemory(out, key.task, false); }

Status ShowEnviron(TextBuffer& out, const ProcKey& key) {
  if (!MayInspectTask(key.task)) {
    return Error(EACCES);
  }
  return ShowMemory(out, key.task, true);
}

Status ShowLimits(TextBuffer& out, const ProcKey& key) {
  TaskInfo info;
  TRY(Fill(key.task, info));
  out.Add("%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
  for (unsigned i = 0; i < 16; ++i) {
    out.Add("%-25s ", kLimits[i].name);
    AddLimit(out, info.rlimit_cur[i]);
    AddLimit(out, info.rlimit_max[i]);
    out.Add(kLimits[i].unit[0] != '\0' ? "%-10s\n" : "\n", kLimits[i].unit);
  }
  return Ok();
}

Status ShowOomScore(TextBuffer& out, const ProcKey& key) {
  TaskInfo info;
  TRY(Fill(key.task, info));
  out.Add("%u\n", info.oom_score);
  return Ok();
}

Status ShowOomScoreAdj(TextBuffer& out, const ProcKey& key) {
  TaskInfo info;
  TRY(Fill(key.task, info));
  out.Add("%d\n", info.oom_score_adj);
  return Ok();
}

Status StoreOomScoreAdj(const ProcKey& key, const char* text, size_t length) {
  constexpr int32_t kMost = 1000;
  const int32_t value = TRY(ParseInteger(text, length));
  if (value < -kMost || value > kMost) {
    return Error(EINVAL);
  }
  return SetTaskOomScoreAdj(key.task, value);
}

Status ShowFdInfo(TextBuffer& out, const ProcKey& key) {
  const Ref<FdTable> files = TRY(GetTaskFiles(key.task));
  if (!files) {
    return Error(ENOENT);
  }
  const Ref<File> file = TRY(files->GetPath(static_cast<int>(key.number)));
  out.Add("pos:\t%lu\nflags:\t0", file->position());
  constexpr uint32_t kCloexecShown = 02000000;
  const bool cloexec =
      TRY(files->GetCloseOnExec(static_cast<int>(key.number))) == CloseOnExecFlag::kYes;
  out.AddOctal(file->flags() | (cloexec ? kCloexecShown : 0));
  out.Add("\nmnt_id:\t%u\nino:\t%lu\n", file->inode().superblock().mount_id,
          file->inode().number());
  file->ShowInfo(out);
  return Ok();
}

Status ShowChildren(TextBuffer& out, const ProcKey& key) {
  for (uint32_t pid = NextTgid(key.reader, 0); pid != 0; pid = NextTgid(key.reader, pid)) {
    TaskInfo info;
    if (FillTaskInfo(TidFromReader(key.reader, pid), info) && info.ppid == key.task) {
      out.Add("%u ", pid);
    }
  }
  return Ok();
}

Status ShowPersonality(TextBuffer& out, const ProcKey& key) {
  TaskInfo info;
  TRY(Fill(key.task, info));
  out.Add("%08x\n", info.personality);
  return Ok();
}

Status ShowTimerSlack(TextBuffer& out, const ProcKey& key) {
  TaskInfo info;
  TRY(Fill(key.task, info));
  out.Add("%lu\n", info.timer_slack_ns);
  return Ok();
}

Status StoreTimerSlack(const ProcKey& key, const char* text, size_t length) {
  return SetTaskTimerSlack(key.task, TRY(ParseSysctl(text, length, 0, ~uint64_t{0})));
}

Status ShowWchan(TextBuffer& out, const ProcKey&) {
  out.Add("0");
  return Ok();
}

Status ShowSyscall(TextBuffer& out, const ProcKey& key) {
  const TaskSyscall at = TRY(GetTaskSyscall(key.task));
  if (at.running) {
    out.Add("running\n");
    return Ok();
  }
  out.Add("%ld", static_cast<long>(at.number));
  if (at.number >= 0) {
    for (const uint64_t argument : at.arguments) {
      out.Add(" 0x%lx", argument);
    }
  }
  out.Add(" 0x%lx 0x%lx\n", at.stack, at.instruction);
  return Ok();
}

Status ShowSchedstat(TextBuffer& out, const ProcKey& key) {
  TaskInfo info;
  TRY(Fill(key.task, info));
  out.Add("%lu 0 %lu\n", info.user_ns + info.system_ns,
          info.voluntary_switches + info.involuntary_switches);
  return Ok();
}

Status ShowIdMap(TextBuffer& out, const ProcKey&) {
  out.Add("         0          0 4294967295\n");
  return Ok();
}

Status ShowTimensOffsets(TextBuffer& out, const ProcKey&) {
  out.Add("monotonic           0         0\nboottime            0         0\n");
  return Ok();
}

Status ShowCgroup(TextBuffer& out, const ProcKey&) {
  out.Add("0::/\n");
  return Ok();
}

// Nothing is read from or written to a disk.
Status ShowIo(TextBuffer& out, const ProcKey& key) {
  if (!MayInspectTask(key.task)) {
    return Error(EACCES);
  }
  TaskInfo info;
  TRY(Fill(key.task, info));
  out.Add("rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\n", info.read_bytes, info.written_bytes,
          info.reads, info.writes);
  out.Add("read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
  return Ok();
}

}  // namespace fv::guest
