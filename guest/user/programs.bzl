# SPDX-License-Identifier: Apache-2.0
"""Builds each source file in guest/user/ into static Linux programs."""

load("//tools/build_defs:defs.bzl", "guest_program")

# musl-gcc has no kernel headers of its own; the host's come last, after musl's.
_KERNEL_HEADERS = ["-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"]

# Also built with glibc, as NAME_glibc: start-up, threads and signals differ between C libraries.
GLIBC_TWINS = [
    "args_env",
    "exit_how",
    "fork_basic",
    "fork_isolation",
    "fork_storm",
    "hello",
    "vfork_exec",
]

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
