# SPDX-License-Identifier: Apache-2.0
"""Which programs and scripts run natively and in the guest."""

load("//guest/user:programs.bzl", "GLIBC_TWINS", "PIE_TWINS")
load("//tests:vm_test.bzl", "program_case", "shell_case")

# Programs without arguments; those with twins run as NAME_glibc and NAME_pie too.
_PLAIN = [
    "args_env",
    "argument_order",
    "at_calls",
    "atfork",
    "brk_heap",
    "broken_reads",
    "clocks",
    "clone_flags",
    "clone_settid_fresh",
    "clone_state",
    "clone_thread_raw",
    "core_dump",
    "cow_kernel_writes",
    "cow_random",
    "cow_reuse",
    "cow_threads",
    "cpu_timers",
    "cxx_hello",
    "cxx_threads",
    "cxx_uncaught",
    "daemonize",
    "data_moves",
    "dev_files",
    "dirs",
    "dup_fds",
    "efault",
    "entry_flags",
    "epoll_forms",
    "event_fds",
    "exec_basic",
    "exec_chain",
    "exec_elf",
    "exec_errors",
    "exec_meanwhile",
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
    "forced_access",
    "fail_events",
    "fail_exec",
    "fail_files",
    "fail_ipc",
    "fail_memory",
    "fail_mqueues",
    "fail_namespaces",
    "fail_shared_tables",
    "fail_signals",
    "fail_sysv",
    "fail_tasks",
    "fail_terminals",
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
    "fork_mappings",
    "fork_registers",
    "fork_shared_tables",
    "fork_storm",
    "fork_strategy",
    "fork_tree",
    "fork_two_pages",
    "fpu_signal",
    "fpu_state",
    "fuzz_found",
    "futex_inherit",
    "futex_keys",
    "futex_ops",
    "futex_priority",
    "futex_requeue_pi",
    "futex_shared",
    "futex_waitv",
    "handler_forks",
    "hang_up",
    "hello",
    "io_priorities",
    "kernel_log",
    "kill_blocked",
    "locked_memory",
    "madvise_forms",
    "madvise_fork",
    "mincore_msync",
    "mixed_stress",
    "mmap_anon",
    "mmap_file",
    "mount_options",
    "mounts",
    "mprotect_exec",
    "mprotect_split",
    "mqueues",
    "mremap_forms",
    "mremap_moves",
    "mutant_failures",
    "mutant_probe",
    "mutant_tasks",
    "namespace_files",
    "old_calls",
    "open_resolve",
    "orphans",
    "out_of_memory",
    "overcommit",
    "pid_namespace",
    "pid_namespace_init",
    "pid_translation",
    "pidfd_threads",
    "pidfds",
    "pipe_atomic",
    "pipe_basic",
    "pipe_chain",
    "pipe_nonblock",
    "pipe_packets",
    "poll_close",
    "poll_select",
    "posix_timers",
    "prctl_names",
    "preempt",
    "proc_memory",
    "proc_remains",
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
    "ptys",
    "punch_hole",
    "reaper_chain",
    "reverse_map",
    "random_tree",
    "restart_stop",
    "rlimits",
    "robust_mutex",
    "rseq_restart",
    "sched_inherit",
    "secure_bits",
    "sanitizer_probe",
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
    "socket_borders",
    "socket_probe",
    "sparse_offsets",
    "spawn",
    "stack_growth",
    "sysctl_limits",
    "system_info",
    "sysv_msg",
    "sysv_proc",
    "sysv_sem",
    "sysv_shm",
    "task_counts",
    "thread_exit",
    "timers",
    "tlb_canary",
    "truncate_maps",
    "unknown_calls",
    "unix_sockets",
    "unshare_calls",
    "usage",
    "user_ids",
    "vfork_exec",
    "vm_children",
    "vma_storm",
    "vmsplice_cow",
    "wait4_basic",
    "wait_stopped",
    "wait_threads",
    "waitid_forms",
    "wild_write",
    "zombies",
    "wrong_arguments",
    "xattrs",
]

# Programs that do more in the guest than natively, where they could harm others, or for want of what
# the guest has: the results of their calls are not compared. Their output is.
_OTHERWISE_NATIVELY = {
    "fork_accounts": "sets limits for all of the machine in the guest only",
    "fork_bomb": "forks to the limit in the guest only",
    "handler_forks": "a timer forks while the program looks how many are left",
    "hang_up": "hangs its terminal up in the guest only",
    "kernel_log": "reads its own log in the guest only",
    "mremap_moves": "sets limits for all of the machine in the guest only",
    "out_of_memory": "uses up memory in the guest only",
    "overcommit": "sets the policy of the machine in the guest only",
    "pid_namespace": "lives one namespace deeper natively, where nesting ends sooner",
    "prctl_names": "is real time in the guest only",
    "proc_remains": "a zombie's files are the real root's, which a native run is not",
    "reverse_map": "looks at frames in the guest only: a host moves them",
    "sysctl_limits": "sets limits of the machine in the guest only",
    "sysv_proc": "chooses identifiers in the guest only",
}

# Calls that are not compared, by program: argued differences, and what chance decides
# (docs/diff.md).
_IDS = ["getpid", "gettid", "getppid", "getpgid", "getpgrp", "getsid", "setsid", "wait4"]
_IGNORED = {
    # glibc gives threads arenas of memory by who comes first.
    "cxx_threads": ["mmap", "mprotect", "munmap", "madvise"],
    # Pieces of another size.
    "data_moves": ["vmsplice"],
    # To a tracer an execve that killed its caller has a result.
    "exec_elf": ["execve"],
    # A strategy of the guest kernel, which Linux has none of.
    "fork_strategy": ["prctl"],
    # The guest has no mount namespaces.
    "mount_options": ["unshare"],
    "mounts": ["unshare"],
    # Which of two children's ends a wait sees, how often a thread looks at a futex; and a user's
    # number that a namespace may lack.
    "mutant_tasks": ["wait4", "futex", "nanosleep", "rt_sigreturn", "setuid"],
    # Inside a pid namespace a number names another task than outside.
    "fail_namespaces": _IDS,
    "namespace_files": _IDS,
    "pid_namespace_init": _IDS,
    "pid_translation": _IDS + ["unshare", "mount"],  # of a mount namespace
    # Whoever is not root in a user namespace has no say in them.
    "sanitizer_probe": ["setgroups", "getgroups"],
    # Whether the closed descriptor is another's already when poll looks again.
    "poll_close": ["poll"],
    # The parent's setpgid comes before or after the child's exec, after which it is refused.
    "process_groups": ["setpgid"],
    # Whether the stack of an ended thread is there to be used again.
    "pthread_detached": ["mmap", "mprotect", "munmap"],
    # Every write of the slave is waited for, and one or two of them are there then.
    "ptys": ["poll"],
    # On a busy host the sleep may be over before it was interrupted three times.
    "restart_stop": ["kill", "wait4"],
    # Since Linux 6.6 there are such attributes; and all that a machine has to write is written in the
    # guest only.
    "small_calls": ["getxattr", "lgetxattr", "fgetxattr", "sync"],
    # How much a socket takes before it is full.
    "unix_sockets": ["write"],
    # Processes send signals until they are told to stop.
    "sig_storm": ["getppid", "kill"],
    # They tell a test outside about their stages, where there is one.
    "random_tree": ["prctl"],
    "task_counts": ["prctl"],
    # Two threads wait for all children, each for those that it gets.
    "wait_threads": ["wait4"],
}

def _case(name):
    base = name.replace("_glibc", "").replace("_pie", "")
    return program_case(
        _LABEL + name,
        chance = _OTHERWISE_NATIVELY.get(base),
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
    "directory_order",
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

# A tracer makes a thread look for signals whenever it stops, and puts back what is blocked.
UNTRACED_CASES = [program_case(_LABEL + name) for name in [
    "sig_faults_sent",
    "sig_group_thread",
]]

# They take all there is: a guest with little memory is soon full.
SMALL_MEMORY_CASES = [program_case(_LABEL + name) for name in [
    "bombs",
    "hogs",
    "oom_killer",
    "soak",
]]

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

# What fork does to memory, in all its forms: for each strategy.
STRATEGY_CASES = [program_case(_LABEL + name) for name in [
    "cow_kernel_writes",
    "cow_random",
    "cow_reuse",
    "cow_threads",
    "data_moves",
    "exec_chain",
    "fork_failures",
    "fork_generations",
    "fork_in_thread",
    "fork_isolation",
    "fork_large",
    "fork_mappings",
    "fork_shared_tables",
    "fork_storm",
    "fork_tree",
    "fork_two_pages",
    "locked_memory",
    "madvise_fork",
    "mincore_msync",
    "mixed_stress",
    "mmap_file",
    "mprotect_split",
    "mremap_forms",
    "mutant_failures",
    "mutant_probe",
    "mutant_tasks",
    "process_vm",
    "pthread_pshared",
    "shared_memory",
    "stack_growth",
    "truncate_maps",
    "vfork_exec",
    "vma_storm",
]]
