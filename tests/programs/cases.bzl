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
    "clone_state",
    "clone_thread_raw",
    "cow_kernel_writes",
    "cow_random",
    "cow_reuse",
    "cow_threads",
    "cxx_hello",
    "cxx_threads",
    "cxx_uncaught",
    "daemonize",
    "data_moves",
    "dev_files",
    "dirs",
    "dup_fds",
    "efault",
    "epoll_forms",
    "event_fds",
    "exec_basic",
    "exec_chain",
    "exec_elf",
    "exec_errors",
    "exec_script",
    "exec_thread",
    "exit_codes",
    "fault_nested",
    "fault_recover",
    "fault_siginfo",
    "file_locks",
    "file_names",
    "file_rw",
    "file_stat",
    "fork_accounts",
    "fork_basic",
    "fork_bomb",
    "fork_failures",
    "fork_fds",
    "fork_fresh",
    "fork_generations",
    "fork_in_thread",
    "fork_isolation",
    "fork_large",
    "fork_out_of_memory",
    "fork_registers",
    "fork_storm",
    "fork_tree",
    "fork_two_pages",
    "fpu_signal",
    "fpu_state",
    "futex_inherit",
    "futex_ops",
    "futex_priority",
    "futex_requeue_pi",
    "futex_shared",
    "futex_waitv",
    "hello",
    "kill_blocked",
    "locked_memory",
    "madvise_fork",
    "mincore_msync",
    "mixed_stress",
    "mmap_anon",
    "mmap_file",
    "mprotect_exec",
    "mprotect_split",
    "mqueues",
    "mremap_forms",
    "mutant_probe",
    "namespace_files",
    "orphans",
    "overcommit",
    "pid_namespace",
    "pid_namespace_init",
    "pidfds",
    "pipe_atomic",
    "pipe_basic",
    "pipe_chain",
    "pipe_nonblock",
    "poll_close",
    "poll_select",
    "posix_timers",
    "prctl_names",
    "preempt",
    "proc_self",
    "process_access",
    "process_groups",
    "process_vm",
    "pthread_barrier",
    "pthread_basic",
    "pthread_cond",
    "pthread_detached",
    "pthread_mutex",
    "pthread_pi",
    "pthread_pshared",
    "pthread_tls",
    "restart_stop",
    "rlimits",
    "robust_mutex",
    "rseq_restart",
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
    "truncate_maps",
    "unknown_calls",
    "unix_sockets",
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
    "wrong_arguments",
]

# Programs whose system calls, not their output, depend on chance or on which kernel they find: the
# results of their calls are not compared (docs/diff.md).
_BY_CHANCE = {
    "cxx_threads": "glibc gives threads memory arenas by who comes first",
    "fork_accounts": "looks at limits in the guest only",
    "fork_bomb": "forks to the limit in the guest only",
    "fork_out_of_memory": "asks for failing allocations, which only the guest has",
    "overcommit": "looks at limits in the guest only",
    "pipe_atomic": "what a read of a pipe finds depends on when writers run",
    "pipe_basic": "what a read of a pipe finds depends on when the writer runs",
    "poll_close": "closes a descriptor while another thread polls it, within a time",
    "proc_self": "sees its tracer: a stopped task is in state t",
    "pthread_detached": "whether a stack is there to be used again depends on when a thread ends",
    "shell_out": "a shell's pipes: what a read finds depends on when the writer runs",
    "sig_fork": "an interval timer interrupts forks",
    "sig_storm": "signals are sent until enough have come",
    "wait_stopped": "a continue may be overtaken by the exit behind it",
    "wait_threads": "threads wait for each other's children",
    "sig_thread": "waits for threads in a loop of yields that signals interrupt",
}

# Calls that are argued differences, by program.
_IGNORED = {
    "data_moves": ["vmsplice"],
    "small_calls": ["getxattr", "lgetxattr", "fgetxattr"],
}

def _case(name):
    base = name.replace("_glibc", "").replace("_pie", "")
    return program_case(
        _LABEL + name,
        chance = _BY_CHANCE.get(base),
        ignore = _IGNORED.get(base, []),
    )

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
    cases = [_case(name) for name in _PLAIN]
    cases += [_case(name + "_glibc") for name in GLIBC_TWINS if name != "exit_how"]
    cases += [_case(name + "_pie") for name in PIE_TWINS]
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
