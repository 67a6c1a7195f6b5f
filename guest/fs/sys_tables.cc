// SPDX-License-Identifier: Apache-2.0
//
// /proc/sys and /sys: small read-only texts. Values that Linux computes from the machine are those
// of the newest Linux on a small one.
#include <linux/capability.h>

#include "guest/fs/core_name.h"
#include "guest/fs/fd_table.h"
#include "guest/fs/log_reader.h"
#include "guest/fs/proc_show.h"
#include "guest/fs/proc_source.h"
#include "guest/fs/proc_sysctl.h"
#include "guest/fs/task_hooks.h"
#include "guest/ipc/pipe.h"
#include "guest/lib/credentials.h"
#include "guest/lib/kernel_log.h"
#include "guest/lib/pid_map.h"

namespace fv::guest {

namespace {

// A file with a constant text.
template <size_t N>
struct FixedText {
  char text[N] = {};
  constexpr FixedText(const char (&from)[N]) {  // NOLINT: implicit, a template argument
    for (size_t i = 0; i < N; ++i) {
      text[i] = from[i];
    }
  }
};
template <FixedText kText>
Status ShowFixed(TextBuffer& out, const ProcKey&) {
  out.Put(kText.text, sizeof(kText.text) - 1);
  return Ok();
}

Status ShowRelease(TextBuffer& out, const ProcKey&) {
  SystemInfo info{};
  FillSystemInfo(info);
  out.Add("%s\n", info.release);
  return Ok();
}
Status ShowVersionName(TextBuffer& out, const ProcKey&) {
  SystemInfo info{};
  FillSystemInfo(info);
  out.Add("%s\n", info.version);
  return Ok();
}
Status ShowHostname(TextBuffer& out, const ProcKey&) {
  SystemInfo info{};
  FillSystemInfo(info);
  out.Add("%s\n", info.hostname);
  return Ok();
}
Status ShowDomainname(TextBuffer& out, const ProcKey&) {
  SystemInfo info{};
  FillSystemInfo(info);
  out.Add("%s\n", info.domainname);
  return Ok();
}

// A line, cut at its end and at what a name may be long (sysctl kernel.hostname).
template <SystemNameField kField>
Status StoreName(const ProcKey&, const char* text, size_t length) {
  size_t end = 0;
  while (end < length && text[end] != '\n' && text[end] != '\0') {
    ++end;
  }
  SetSystemName(kField, text, end);
  return Ok();
}

Status ShowMaxThreads(TextBuffer& out, const ProcKey&) {
  SystemInfo info{};
  FillSystemInfo(info);
  out.Add("%lu\n", info.max_threads);
  return Ok();
}
Status StoreMaxThreads(const ProcKey&, const char* text, size_t length) {
  return SetMaxThreads(TRY(ParseSysctl(text, length, 1, kSysctlIntMax)));
}

Status ShowPidMax(TextBuffer& out, const ProcKey&) {
  SystemInfo info{};
  FillSystemInfo(info);
  out.Add("%u\n", info.pid_max);
  return Ok();
}
// Linux takes up to 4194304; here there are no more ids than at first.
Status StorePidMax(const ProcKey&, const char* text, size_t length) {
  SetPidMax(static_cast<uint32_t>(TRY(ParseSysctl(text, length, kReservedPids + 1, kPidMax))));
  return Ok();
}

// Rounded up to what a pipe can have: a power of two of pages.
Status StorePipeMaxSize(const ProcKey&, const char* text, size_t length) {
  const uint64_t wanted = TRY(ParseSysctl(text, length, proto::kPageBytes, uint64_t{1} << 31));
  uint64_t bytes = proto::kPageBytes;
  while (bytes < wanted) {
    bytes *= 2;
  }
  pipe_max_bytes = bytes;
  return Ok();
}

// A version 4 UUID (RFC 9562), new at every read.
Status ShowUuid(TextBuffer& out, const ProcKey&) {
  uint8_t b[16];
  FillRandom(b, sizeof(b));
  b[6] = static_cast<uint8_t>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<uint8_t>((b[8] & 0x3f) | 0x80);
  for (unsigned i = 0; i < sizeof(b); ++i) {
    out.Add(i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
  }
  out.Add("\n");
  return Ok();
}

Status ShowCorePattern(TextBuffer& out, const ProcKey&) {
  out.Add("%s\n", SystemCorePattern().text);
  return Ok();
}
// The first line, cut at what there is room for.
Status StoreCorePattern(const ProcKey&, const char* text, size_t length) {
  CorePattern& pattern = SystemCorePattern();
  size_t kept = 0;
  while (kept < length && kept + 1 < sizeof(pattern.text) && text[kept] != '\n') {
    pattern.text[kept] = text[kept];
    ++kept;
  }
  pattern.text[kept] = '\0';
  return Ok();
}
Status ShowCoreUsesPid(TextBuffer& out, const ProcKey&) {
  out.Add("%d\n", SystemCorePattern().uses_pid ? 1 : 0);
  return Ok();
}
Status StoreCoreUsesPid(const ProcKey&, const char* text, size_t length) {
  constexpr uint64_t kMost = 0x7FFFFFFF;
  SystemCorePattern().uses_pid = TRY(ParseSysctl(text, length, 0, kMost)) != 0;
  return Ok();
}

Status StoreDmesgRestrict(const ProcKey&, const char* text, size_t length) {
  if (!CurrentCredentials().Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  dmesg_restricted = TRY(ParseSysctl(text, length, 0, 1));
  return Ok();
}

Status ShowPrintk(TextBuffer& out, const ProcKey&) {
  const LogLevels& levels = SystemLog().levels;
  out.Add("%lu\t%lu\t%lu\t%lu\n", levels.console, levels.message, levels.least_console,
          levels.default_console);
  return Ok();
}
// One to four numbers; those that are not given stay.
Status StorePrintk(const ProcKey&, const char* text, size_t length) {
  if (!CurrentCredentials().Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  LogLevels& levels = SystemLog().levels;
  uint64_t* const words[] = {&levels.console, &levels.message, &levels.least_console,
                             &levels.default_console};
  size_t at = 0;
  for (uint64_t* word : words) {
    size_t end = at;
    while (end < length && text[end] != ' ' && text[end] != '\t' && text[end] != '\n') {
      ++end;
    }
    if (end == at) {
      break;
    }
    *word = TRY(ParseSysctl(text + at, end - at, 0, kSysctlIntMax));
    at = end < length ? end + 1 : end;
  }
  return at > 0 ? Ok() : Status(Error(EINVAL));
}

template <size_t N>
constexpr ProcNode Directory(const char* name, const ProcNode (&children)[N]) {
  return {name, kTypeDirectory | 0555, ProcKind::kPlain, nullptr, nullptr, children, N};
}

constexpr ProcNode kRandom[] = {
    ProcFile("boot_id", ShowFixed<"6f726b76-6973-4f72-a000-666f726b7669\n">),
    ProcFile("entropy_avail", ShowFixed<"256\n">),
    ProcFile("poolsize", ShowFixed<"256\n">),
    ProcFile("uuid", ShowUuid),
};
constexpr ProcNode kKernel[] = {
    Directory("random", kRandom),
    ProcFile("cap_last_cap", ShowFixed<"40\n">),
    Writable("core_pattern", ShowCorePattern, StoreCorePattern),
    Writable("core_uses_pid", ShowCoreUsesPid, StoreCoreUsesPid),
    SysctlFile("dmesg_restrict", ShowSysctl<dmesg_restricted>, StoreDmesgRestrict),
    Writable("domainname", ShowDomainname, StoreName<SystemNameField::kDomain>),
    Writable("hostname", ShowHostname, StoreName<SystemNameField::kHost>),
    ProcFile("msgmax", ShowFixed<"8192\n">),
    ProcFile("msgmnb", ShowFixed<"16384\n">),
    ProcFile("msgmni", ShowFixed<"32000\n">),
    SysctlFile("msg_next_id", ShowNextIpcId<IpcKind::kMsg>, StoreNextIpcId<IpcKind::kMsg>),
    ProcFile("ngroups_max", ShowFixed<"65536\n">),
    ProcFile("osrelease", ShowRelease),
    ProcFile("ostype", ShowFixed<"Linux\n">),
    ProcFile("overflowgid", ShowFixed<"65534\n">),
    ProcFile("overflowuid", ShowFixed<"65534\n">),
    SysctlFile("pid_max", ShowPidMax, StorePidMax),
    SysctlFile("printk", ShowPrintk, StorePrintk),
    ProcFile("randomize_va_space", ShowFixed<"0\n">),
    ProcFile("sched_rr_timeslice_ms", ShowFixed<"100\n">),
    ProcFile("sched_rt_period_us", ShowFixed<"1000000\n">),
    ProcFile("sched_rt_runtime_us", ShowFixed<"950000\n">),
    ProcFile("sem", ShowFixed<"32000\t1024000000\t500\t32000\n">),
    SysctlFile("sem_next_id", ShowNextIpcId<IpcKind::kSem>, StoreNextIpcId<IpcKind::kSem>),
    SysctlFile("shm_next_id", ShowNextIpcId<IpcKind::kShm>, StoreNextIpcId<IpcKind::kShm>),
    ProcFile("shmall", ShowFixed<"18446744073692774399\n">),
    ProcFile("shmmax", ShowFixed<"18446744073692774399\n">),
    ProcFile("shmmni", ShowFixed<"4096\n">),
    ProcFile("tainted", ShowFixed<"0\n">),
    SysctlFile("threads-max", ShowMaxThreads, StoreMaxThreads),
    ProcFile("version", ShowVersionName),
};
constexpr ProcNode kFs[] = {
    ProcFile("file-max", ShowFixed<"9223372036854775807\n">),
    ProcFile("file-nr", ShowFixed<"64\t0\t9223372036854775807\n">),
    SysctlNumber<fd_limit_max, 64, FdTable::kMaxFds>("nr_open"),
    SysctlFile("pipe-max-size", ShowSysctl<pipe_max_bytes>, StorePipeMaxSize),
    ProcFile("pipe-user-pages-hard", ShowFixed<"0\n">),
    ProcFile("pipe-user-pages-soft", ShowFixed<"16384\n">),
    ProcFile("protected_fifos", ShowFixed<"0\n">),
    ProcFile("protected_hardlinks", ShowFixed<"0\n">),
    ProcFile("protected_regular", ShowFixed<"0\n">),
    ProcFile("protected_symlinks", ShowFixed<"0\n">),
    ProcFile("suid_dumpable", ShowFixed<"0\n">),
};
constexpr ProcNode kCpu0[] = {ProcFile("online", ShowFixed<"1\n">)};
constexpr ProcNode kCpu[] = {
    Directory("cpu0", kCpu0),
    ProcFile("kernel_max", ShowFixed<"0\n">),
    ProcFile("offline", ShowFixed<"\n">),
    ProcFile("online", ShowFixed<"0\n">),
    ProcFile("possible", ShowFixed<"0\n">),
    ProcFile("present", ShowFixed<"0\n">),
};
constexpr ProcNode kNode0[] = {
    ProcFile("cpulist", ShowFixed<"0\n">),
    ProcFile("cpumap", ShowFixed<"1\n">),
};
constexpr ProcNode kNode[] = {
    Directory("node0", kNode0),
    ProcFile("online", ShowFixed<"0\n">),
    ProcFile("possible", ShowFixed<"0\n">),
};
constexpr ProcNode kClocksource0[] = {
    ProcFile("available_clocksource", ShowFixed<"tsc \n">),
    ProcFile("current_clocksource", ShowFixed<"tsc\n">),
};
constexpr ProcNode kClocksource[] = {Directory("clocksource0", kClocksource0)};
constexpr ProcNode kSystem[] = {
    Directory("clocksource", kClocksource),
    Directory("cpu", kCpu),
    Directory("node", kNode),
};
constexpr ProcNode kDevices[] = {Directory("system", kSystem)};
constexpr ProcNode kTransparent[] = {ProcFile("enabled", ShowFixed<"always madvise [never]\n">)};
constexpr ProcNode kPageIdle[] = {
    {"bitmap", kTypeRegular | 0600, ProcKind::kPageIdle, nullptr, nullptr, nullptr, 0},
};
constexpr ProcNode kSysMm[] = {
    Directory("page_idle", kPageIdle),
    Directory("transparent_hugepage", kTransparent),
};
constexpr ProcNode kSysKernel[] = {Directory("mm", kSysMm)};
constexpr ProcNode kSysChildren[] = {
    Directory("devices", kDevices),
    Directory("kernel", kSysKernel),
};

}  // namespace

constinit const ProcNode kProcSysNodes[kProcSysNodeCount] = {
    Directory("fs", kFs),
    Directory("kernel", kKernel),
    {"vm", kTypeDirectory | 0555, ProcKind::kPlain, nullptr, nullptr, kProcVm, kProcVmCount},
};
constinit const ProcNode kSysRoot = Directory("sys", kSysChildren);

}  // namespace fv::guest
