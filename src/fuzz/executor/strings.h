// SPDX-License-Identifier: Apache-2.0
//
// The strings that programs may name: texts, files, and the files of a task in /proc. Both the host
// and the executor have them. C and C++.
#ifndef FV_SRC_FUZZ_EXECUTOR_STRINGS_H_
#define FV_SRC_FUZZ_EXECUTOR_STRINGS_H_

// What begins with a percent sign is below /proc/PID of the task, or /proc/self.
// clang-format off
#define FV_FUZZ_STRINGS(S) \
  S("") S("0") S("1") S("2") S("3") S("4") S("-1") S("-17") S("1000") S("99999") S("0x33") \
  S("name of more than fifteen") S("core.%p.%e") S("file") S("other") S("none") S("%/maps") \
  S("%/smaps") S("%/smaps_rollup") S("%/status") S("%/stat") S("%/statm") S("%/pagemap") \
  S("%/clear_refs") S("%/oom_score_adj") S("%/oom_adj") S("%/oom_score") S("%/comm") \
  S("%/cmdline") S("%/environ") S("%/auxv") S("%/limits") S("%/wchan") S("%/io") \
  S("%/coredump_filter") S("%/mem") S("%/exe") S("%/fd") S("%/fd/0") S("%/fd/1") \
  S("%/fdinfo/0") S("%/fdinfo/1") S("%/fdinfo/2") S("%/task") S("%/children") S("%/ns/uts") \
  S("%/ns/pid") S("%/ns/mnt") S("%/ns/user") S("%/ns/pid_for_children") S("%/root") S("%/cwd") \
  S("%/mountinfo") S("%/cgroup") S("%/personality") S("%/syscall") S("%/stack") S("%/sched") \
  S("%/timers") S("%/timerslack_ns") S("%/setgroups") S("%/uid_map") S("%/loginuid") S("/proc") \
  S("/proc/meminfo") S("/proc/stat") S("/proc/uptime") S("/proc/loadavg") S("/proc/vmstat") \
  S("/proc/kpagecount") S("/proc/kpageflags") S("/proc/sys/kernel/hostname") \
  S("/proc/sys/kernel/threads-max") S("/proc/sys/kernel/pid_max") \
  S("/proc/sys/kernel/core_pattern") S("/proc/sys/vm/overcommit_memory") S("/dev/null") \
  S("/dev/zero") S("/dev/full") S("/dev/ptmx") S("/dev/pts/0") S("/dev/tty") S("/executor") \
  S("/")
// clang-format on

#endif  // FV_SRC_FUZZ_EXECUTOR_STRINGS_H_
