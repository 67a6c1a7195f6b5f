# SPDX-License-Identifier: Apache-2.0
"""Which programs and scripts run natively and in the guest."""

load("//guest/user:programs.bzl", "GLIBC_TWINS", "PIE_TWINS")
load("//tests:vm_test.bzl", "program_case", "shell_case")

# Programs without arguments; those with twins run as NAME_glibc and NAME_pie too.
_PLAIN = [
    "args_env",
    "at_calls",
    "atfork",
    "brk_heap",
    "clocks",
    "clone_flags",
    "clone_thread_raw",
    "cow_kernel_writes",
    "cow_random",
    "cow_reuse",
    "cxx_hello",
    "cxx_threads",
    "cxx_uncaught",
    "data_moves",
    "daemonize",
    "dev_files",
    "dirs",
    "dup_fds",
    "efault",
    "exec_basic",
    "exec_chain",
    "exec_errors",
    "exec_script",
    "exec_thread",
    "exit_codes",
    "fault_nested",
    "fault_recover",
    "fault_siginfo",
    "file_names",
    "file_rw",
    "file_stat",
    "fork_basic",
    "fork_failures",
    "fork_fds",
    "fork_fresh",
    "fork_generations",
    "fork_in_thread",
    "fork_isolation",
    "fork_large",
    "fork_registers",
    "fork_storm",
    "fork_two_pages",
    "fork_tree",
    "fpu_signal",
    "fpu_state",
    "futex_ops",
    "futex_shared",
    "hello",
    "locked_memory",
    "madvise_fork",
    "mincore_msync",
    "mmap_anon",
    "mmap_file",
    "mprotect_exec",
    "mprotect_split",
    "mremap_forms",
    "orphans",
    "pidfds",
    "pipe_atomic",
    "pipe_basic",
    "pipe_chain",
    "pipe_nonblock",
    "poll_select",
    "posix_timers",
    "prctl_names",
    "preempt",
    "proc_self",
    "process_groups",
    "process_vm",
    "pthread_barrier",
    "pthread_basic",
    "pthread_cond",
    "pthread_detached",
    "pthread_mutex",
    "pthread_pshared",
    "pthread_tls",
    "rlimits",
    "robust_mutex",
    "sched_inherit",
    "shared_memory",
    "shell_out",
    "sig_action",
    "sig_altstack",
    "sig_chld",
    "sig_context",
    "sig_fork",
    "sig_kill_rules",
    "sig_mask",
    "sig_realtime",
    "sig_restart",
    "sig_storm",
    "sig_thread",
    "sig_wait",
    "small_calls",
    "socket_probe",
    "spawn",
    "stack_growth",
    "system_info",
    "thread_exit",
    "timers",
    "unknown_calls",
    "unshare_calls",
    "usage",
    "user_ids",
    "vfork_exec",
    "vma_storm",
    "wait4_basic",
    "wait_stopped",
    "wait_threads",
    "waitid_forms",
    "zombies",
]

_EXITS = [
    ("exit_0", ["exit", "0"]),
    ("exit_1", ["exit", "1"]),
    ("exit_42", ["exit", "42"]),
    ("exit_255", ["exit", "255"]),
    ("exit_256", ["exit", "256"]),
    ("exit_raw", ["_exit", "9"]),
    ("return_17", ["return", "17"]),
    ("abort", ["abort"]),
    ("segv", ["segv"]),
    ("fpe", ["fpe"]),
    ("ill", ["ill"]),
    ("trap", ["trap"]),
    ("sighup", ["signal", "1"]),
    ("sigint", ["signal", "2"]),
    ("sigkill", ["signal", "9"]),
    ("sigpipe", ["signal", "13"]),
    ("sigterm", ["signal", "15"]),
    ("sigchld", ["signal", "17"]),
    ("sigrt", ["signal", "40"]),
]

_ARGUMENTS = ["args", "one", "", "three words here", "--flag=x", "*"]

_LABEL = "//guest/user:"

def _exit_cases():
    cases = [
        program_case(_LABEL + "exit_how", name = "exit_how_" + name, args = args)
        for name, args in _EXITS
    ]
    for name in ["exit_how", "exit_how_glibc"]:
        cases += [
            program_case(_LABEL + name, name = name + "_args", args = _ARGUMENTS),
            program_case(_LABEL + name, name = name + "_stdin", args = ["stdin"], stdin = "input.txt"),
            program_case(_LABEL + name, name = name + "_no_stdin", args = ["stdin"]),
        ]
    return cases + [program_case(_LABEL + "exit_how_glibc", name = "abort_glibc", args = ["abort"])]

def _program_cases():
    cases = [program_case(_LABEL + name) for name in _PLAIN]
    cases += [program_case(_LABEL + name + "_glibc") for name in GLIBC_TWINS if name != "exit_how"]
    cases += [program_case(_LABEL + name + "_pie") for name in PIE_TWINS]
    return cases + _exit_cases()

PROGRAM_CASES = _program_cases()

SHELL_CASES = [shell_case("//tests/shell:" + name + ".sh") for name in [
    "arithmetic",
    "background",
    "exit_codes",
    "functions",
    "globbing",
    "heredocs",
    "many_processes",
    "pipes",
    "redirections",
    "subshells",
    "tests",
    "tools",
    "traps",
]] + [shell_case("//tests/shell:input.sh", stdin = "input.txt")]

# Small ones, for the ring that is slow where it is emulated.
SMOKE_CASES = [program_case(_LABEL + name) for name in [
    "hello",
    "hello_glibc",
    "hello_pie",
    "args_env",
    "fork_basic",
    "fork_isolation",
    "vfork_exec",
    "pipe_nonblock",
    "pthread_tls",
    "sig_action",
    "fault_siginfo",
    "mprotect_split",
    "clone_thread_raw",
]]
