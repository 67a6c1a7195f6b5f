# SPDX-License-Identifier: Apache-2.0
"""Whole-VM tests: the same program on Linux and in the guest, outputs compared.

    load("//tests:vm_test.bzl", "program_case", "shell_case", "vm_test")

    vm_test(
        name = "some_test",
        cases = [
            program_case("//guest/user:hello"),
            program_case("//guest/user:exit_how", name = "exits_42", args = ["exit", "42"]),
            shell_case("pipes.sh"),
        ],
        kernel_ring = "0",
    )

Each case is a GoogleTest case of one cc_test; `mode` leaves the guest out, if that is wished,
`syscalls = True` compares the results of system calls too.
"""

load("//tools/build_defs:defs.bzl", "fv_cc_test")

def _struct(kind, label, name, args, stdin, chance, ignore):
    return struct(
        kind = kind,
        label = label,
        name = name,
        args = args,
        stdin = stdin,
        chance = chance,
        ignore = ignore,
    )

def program_case(label, name = None, args = [], stdin = None, chance = None, ignore = []):
    """A static program.

    Args:
      label: the program.
      name: the case's name; by default the program's.
      args: its arguments.
      stdin: label of a file that it reads as standard input.
      chance: why its system calls depend on chance and are not compared.
      ignore: names of system calls that are not compared.

    Returns:
      a case for vm_test.
    """
    return _struct("program", label, name or label.split(":")[-1], args, stdin, chance, ignore)

def shell_case(script, args = [], stdin = None, chance = None, ignore = []):
    """A script, run by busybox's shell with busybox's tools.

    Args:
      script: label of the file; its base name names the case.
      args: its arguments.
      stdin: label of a file that it reads as standard input.
      chance: why its system calls depend on chance and are not compared.
      ignore: names of system calls that are not compared.

    Returns:
      a case for vm_test.
    """
    name = "sh_" + script.split(":")[-1].split("/")[-1].replace(".sh", "")
    return _struct("shell", script, name, args, stdin, chance, ignore)

def _line(case):
    stdin = "$(rootpath %s)" % case.stdin if case.stdin else "-"
    calls = "chance" if case.chance else "-" + ",".join(case.ignore)
    fields = [case.name, case.kind, "$(rootpath %s)" % case.label, stdin, calls]
    return "\\t".join(fields + case.args)

def vm_test(
        name,
        cases,
        check = "every",
        kernel_ring = "auto",
        strategy = "classic",
        kernel = None,
        host = "kvm",
        qemu_cpu = "full",
        memory_mib = 256,
        syscalls = False,
        mode = "guest",
        seconds = 100,
        **kwargs):
    """See the head of this file.

    Args:
      name: the test.
      cases: of program_case and shell_case.
      check: when the oracle looks at the guest, as `forkvisor run --check` has it.
      kernel_ring: of the guest kernel.
      strategy: how fork copies memory, as `forkvisor run --strategy` has it.
      kernel: the guest kernel's target, if it is not the one that forkvisor has inside.
      host: what executes the guest, "kvm" or "qemu".
      qemu_cpu: "full" or "plain", the CPU that QEMU is asked for.
      memory_mib: the guest's memory.
      syscalls: compare the results of system calls too, natively by ptrace.
      mode: "guest"; or on Linux only: "native", or "twice", compared with itself.
      seconds: longest run of one program, on each side.
      **kwargs: of fv_cc_test: size, shard_count, tags, ...
    """
    data = []
    for case in cases:
        for label in [case.label] + ([case.stdin] if case.stdin else []):
            if label not in data:
                data.append(label)
    native.genrule(
        name = name + "_cases",
        srcs = data,
        outs = [name + "_cases.txt"],
        cmd = "printf '%b' \"" + "".join([_line(case) + "\\n" for case in cases]) + "\" > $@",
    )
    args = ["--cases=$(rootpath :%s_cases)" % name, "--seconds=%d" % seconds, "--mode=" + mode]
    if syscalls:
        args.append("--syscalls")
    if mode == "guest":
        args += ["--check=" + check, "--kernel_ring=" + kernel_ring]
        args += ["--strategy=" + strategy, "--host=" + host, "--qemu_cpu=" + qemu_cpu]
        args.append("--memory_mib=%d" % memory_mib)
        if kernel:
            args.append("--kernel=$(rootpath %s)" % kernel)

    # Not in a sandbox: its user namespace has one user, and programs change theirs.
    tags = kwargs.pop("tags", []) + ["no-sandbox"] + (["kvm"] if mode == "guest" and host == "kvm" else [])
    fv_cc_test(
        name = name,
        srcs = ["//tests/programs:program_test.cc"],
        args = args,
        data = data + [":%s_cases" % name] + ([kernel] if kernel else []),
        tags = tags,
        deps = [
            "//src/cli:guest_kernel",
            "//src/diff",
            "//src/native",
            "//src/native:testing",
            "//src/rootfs",
            "//src/session",
            "//src/trace",
            "//tests/programs:harness",
            "//third_party:absl",
            "//third_party:gflags",
            "//vmm:testing",
            "//vmm/qemu",
        ],
        **kwargs
    )
