# SPDX-License-Identifier: Apache-2.0
"""Builds each source file in guest/user/ into static Linux programs."""

load("//tools/build_defs:defs.bzl", "guest_program")

# musl-gcc has no kernel headers of its own; the host's come last, after musl's.
_KERNEL_HEADERS = ["-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"]

# Also built with glibc, as NAME_glibc: start-up, threads and signals differ between C libraries.
GLIBC_TWINS = [
    "args_env",
    "atfork",
    "exec_basic",
    "exit_how",
    "fork_basic",
    "fork_in_thread",
    "fork_isolation",
    "fork_storm",
    "hello",
    "kill_blocked",
    "mixed_stress",
    "orphans",
    "proc_self",
    "pthread_barrier",
    "pthread_basic",
    "pthread_cond",
    "pthread_detached",
    "pthread_mutex",
    "pthread_pshared",
    "pthread_tls",
    "robust_mutex",
    "sig_realtime",
    "sig_thread",
    "spawn",
    "vfork_exec",
]

# Built with glibc only, under their plain names. thread_exit: in a forked child, musl waits for ever
# for a leader that left by pthread_exit, on Linux too.
GLIBC_ONLY = ["thread_exit"]

# Also built as a static position-independent executable, as NAME_pie.
PIE_TWINS = [
    "fork_basic",
    "hello",
]

def _base(source):
    return source.rpartition("/")[2].rpartition(".")[0]

def user_programs(sources, headers):
    """One program for each source file, named as the file; and its twins.

    Args:
      sources: .c files (musl) and .cc files (glibc, libstdc++).
      headers: label of the headers that they may include.
    """
    for source in sources:
        name = _base(source)
        if source.endswith(".cc"):
            guest_program(name = name, srcs = [source], hdrs = [headers], libc = "glibc")
            continue
        if name in GLIBC_ONLY:
            guest_program(
                name = name,
                srcs = [source],
                hdrs = [headers],
                libc = "glibc",
                copts = ["-D_GNU_SOURCE"],
            )
            continue
        guest_program(
            name = name,
            srcs = [source],
            hdrs = [headers],
            copts = ["-D_GNU_SOURCE"] + _KERNEL_HEADERS,
        )
        for suffix, twins, pie in [("_glibc", GLIBC_TWINS, False), ("_pie", PIE_TWINS, True)]:
            if name in twins:
                guest_program(
                    name = name + suffix,
                    srcs = [source],
                    hdrs = [headers],
                    libc = "glibc",
                    pie = pie,
                    copts = ["-D_GNU_SOURCE"],
                )
