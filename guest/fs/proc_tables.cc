// SPDX-License-Identifier: Apache-2.0
//
// What stands where in /proc.
#include "guest/fs/proc_show.h"
#include "guest/fs/proc_sysctl.h"

namespace fv::guest {

namespace {

constexpr ProcNode Dynamic(const char* name, ProcKind kind, uint32_t permissions) {
  return {name, kTypeDirectory | permissions, kind, nullptr, nullptr, nullptr, 0};
}

Status ShowSelfMounts(TextBuffer& out, const ProcKey&) {
  out.Add("self/mounts");
  return Ok();
}

constexpr ProcNode MemoryNode(const char* name, ProcKind kind, uint32_t permissions) {
  return {name, kTypeRegular | permissions, kind, nullptr, nullptr, nullptr, 0};
}

constexpr ProcNode MemoryText(const char* name, Status (*show)(TextBuffer&, const ProcKey&),
                              uint32_t permissions) {
  return {name, kTypeRegular | permissions, ProcKind::kMemoryText, show, nullptr, nullptr, 0};
}

constexpr ProcNode MappingsText(const char* name, Status (*show)(TextBuffer&, const ProcKey&)) {
  return {name, kTypeRegular | 0444, ProcKind::kMappingsText, show, nullptr, nullptr, 0};
}

// Write only.
constexpr ProcNode kClearRefs = {
    "clear_refs", kTypeRegular | 0200, ProcKind::kPlain, nullptr, StoreClearRefs, nullptr, 0};

// As of a kernel that was configured without the other kinds.
constexpr ProcNode kNamespaces[] = {
    ProcLink("mnt", ProcKind::kNamespace),
    ProcLink("pid", ProcKind::kNamespace),
    ProcLink("pid_for_children", ProcKind::kNamespace),
    ProcLink("uts", ProcKind::kNamespace),
};

constexpr ProcNode kPidChildren[] = {
    ProcDirectory("ns", kNamespaces, sizeof(kNamespaces) / sizeof(kNamespaces[0]), 0511),
    MemoryNode("mem", ProcKind::kMem, 0600),
    MemoryNode("pagemap", ProcKind::kPagemap, 0400),
    ProcFile("uid_map", ShowIdMap),
    ProcFile("gid_map", ShowIdMap),
    ProcFile("timens_offsets", ShowTimensOffsets),
    ProcFile("cgroup", ShowCgroup),
    Dynamic("task", ProcKind::kTaskDir, 0555),
    Dynamic("fd", ProcKind::kFdDir, 0500),
    Dynamic("fdinfo", ProcKind::kFdInfoDir, 0555),
    ProcFile("stat", ShowTaskStat),
    ProcFile("statm", ShowStatm),
    ProcFile("status", ShowTaskStatus),
    MappingsText("maps", ShowMaps),
    MappingsText("smaps", ShowSmaps),
    MemoryText("smaps_rollup", ShowSmapsRollup, 0444),
    MappingsText("numa_maps", ShowNumaMaps),
    kClearRefs,
    Writable("comm", ShowComm, StoreComm),
    ProcFile("cmdline", ShowCmdline),
    MemoryText("environ", ShowEnviron, 0400),
    MemoryText("auxv", ShowAuxv, 0400),
    ProcFile("limits", ShowLimits),
    ProcFile("oom_score", ShowOomScore),
    Writable("oom_score_adj", ShowOomScoreAdj, StoreOomScoreAdj),
    ProcFile("mounts", ShowMounts),
    ProcFile("mountinfo", ShowMountinfo),
    Writable("coredump_filter", ShowCoredumpFilter, StoreCoredumpFilter),
    ProcFile("personality", ShowPersonality, 0400),
    {"timerslack_ns", kTypeRegular | 0666, ProcKind::kPlain, ShowTimerSlack, StoreTimerSlack,
     nullptr, 0},
    ProcFile("wchan", ShowWchan),
    ProcFile("syscall", ShowSyscall, 0400),
    ProcFile("schedstat", ShowSchedstat),
    ProcFile("io", ShowIo, 0400),
    ProcLink("exe", ProcKind::kExe),
    ProcLink("cwd", ProcKind::kCwd),
    ProcLink("root", ProcKind::kTaskRoot),
};

constexpr ProcNode kTidChildren[] = {
    ProcDirectory("ns", kNamespaces, sizeof(kNamespaces) / sizeof(kNamespaces[0]), 0511),
    MemoryNode("mem", ProcKind::kMem, 0600),
    MemoryNode("pagemap", ProcKind::kPagemap, 0400),
    MappingsText("smaps", ShowSmaps),
    MemoryText("smaps_rollup", ShowSmapsRollup, 0444),
    MappingsText("numa_maps", ShowNumaMaps),
    kClearRefs,
    MemoryText("auxv", ShowAuxv, 0400),
    ProcFile("oom_score", ShowOomScore),
    ProcFile("wchan", ShowWchan),
    ProcFile("syscall", ShowSyscall, 0400),
    ProcFile("personality", ShowPersonality, 0400),
    ProcFile("io", ShowIo, 0400),
    ProcFile("cgroup", ShowCgroup),
    ProcFile("schedstat", ShowSchedstat),
    Dynamic("fd", ProcKind::kFdDir, 0500),
    Dynamic("fdinfo", ProcKind::kFdInfoDir, 0555),
    ProcFile("stat", ShowTaskStat),
    ProcFile("statm", ShowStatm),
    ProcFile("status", ShowTaskStatus),
    MappingsText("maps", ShowMaps),
    Writable("comm", ShowComm, StoreComm),
    ProcFile("cmdline", ShowCmdline),
    MemoryText("environ", ShowEnviron, 0400),
    ProcFile("limits", ShowLimits),
    ProcFile("children", ShowChildren),
    Writable("oom_score_adj", ShowOomScoreAdj, StoreOomScoreAdj),
    ProcFile("mounts", ShowMounts),
    ProcLink("exe", ProcKind::kExe),
    ProcLink("cwd", ProcKind::kCwd),
    ProcLink("root", ProcKind::kTaskRoot),
};

constexpr ProcNode kRootChildren[] = {
    ProcLink("self", ProcKind::kSelf),
    ProcLink("thread-self", ProcKind::kThreadSelf),
    {"mounts", kTypeSymlink | 0777, ProcKind::kText, ShowSelfMounts, nullptr, nullptr, 0},
    ProcFile("cmdline", ShowCmdlineOfKernel),
    ProcFile("cpuinfo", ShowCpuinfo),
    ProcFile("devices", ShowDevices),
    ProcFile("diskstats", ShowEmpty),
    ProcFile("filesystems", ShowFilesystems),
    MemoryNode("kmsg", ProcKind::kKmsg, 0400),
    ProcFile("loadavg", ShowLoadavg),
    ProcFile("locks", ShowEmpty),
    ProcFile("meminfo", ShowMeminfo),
    ProcFile("modules", ShowEmpty),
    ProcFile("partitions", ShowPartitions),
    ProcFile("stat", ShowSystemStat),
    ProcFile("swaps", ShowSwaps),
    ProcFile("uptime", ShowUptime),
    ProcFile("version", ShowVersion),
    ProcFile("vmstat", ShowVmstat),
    MemoryNode("kpagecount", ProcKind::kPageCount, 0400),
    MemoryNode("kpageflags", ProcKind::kPageFlags, 0400),
    ProcDirectory("sysvipc", kProcSysvipc, kProcSysvipcCount, 0555),
    {"sys", kTypeDirectory | 0555, ProcKind::kPlain, nullptr, nullptr, kProcSysNodes,
     kProcSysNodeCount},
};

template <size_t N>
constexpr ProcNode Table(const char* name, ProcKind kind, const ProcNode (&children)[N]) {
  return {name, kTypeDirectory | 0555, kind, nullptr, nullptr, children, N};
}

}  // namespace

constinit const ProcNode kProcRoot = Table("proc", ProcKind::kRoot, kRootChildren);
constinit const ProcNode kProcPid = Table("pid", ProcKind::kPlain, kPidChildren);
constinit const ProcNode kProcTid = Table("tid", ProcKind::kPlain, kTidChildren);
constinit const ProcNode kProcFd = ProcLink("fd", ProcKind::kFd);
constinit const ProcNode kProcFdInfo = ProcFile("fdinfo", ShowFdInfo, 0400);

}  // namespace fv::guest
