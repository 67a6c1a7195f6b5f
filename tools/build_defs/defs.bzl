# SPDX-License-Identifier: Apache-2.0
"""How every target of Forkvisor is declared. One load line serves all:

    load("//tools/build_defs:defs.bzl", "fv_cc_library", "fv_cc_test", ...)

Host code (vmm/, src/, bench/, tests/). Dependencies on other people's
libraries: //third_party:absl, :gflags, :benchmark, :benchmark_main, :busybox (a file).
//tools/build_info tells reports the commit that they are built from.

    fv_cc_library(name = "vcpu", srcs = ["vcpu.cc"], hdrs = ["vcpu.h"], deps = ["//proto"])
    fv_cc_test(name = "vcpu_test", srcs = ["vcpu_test.cc"], deps = [":vcpu"])  # adds gtest_main
    fv_cc_test(name = "boot_test", ..., tags = ["kvm"])          # opens /dev/kvm, else GTEST_SKIP
    fv_cc_binary(name = "forkvisor", srcs = ["main.cc"], deps = [...])

Guest kernel code (guest/). Every library is compiled twice: NAME freestanding
for the kernel, NAME_hosted with ASan and UBSan for unit tests. `deps` names
guest libraries by their plain name ("//guest/lib", ":frames"); `shared_deps`
names ordinary libraries that suit both sides (headers only: "//proto").
FV_HOSTED is 1 or 0. `freestanding_srcs` (assembly, the real hardware) and
`hosted_srcs` (fakes) go to one side only; hosted = False drops that side.

    guest_cc_library(name = "frames", srcs = ["frame_table.cc"], hdrs = ["frame_table.h"],
                     deps = ["//guest/lib"], shared_deps = ["//proto"])
    guest_cc_library(name = "boot", srcs = ["boot.S"], hosted = False)
    guest_cc_test(name = "frame_table_test", srcs = ["frame_table_test.cc"], deps = [":frames"])
    guest_kernel(name = "kernel", linker_script = "kernel.ld",     # gives kernel.elf
                 linker_script_hdrs = ["//proto:headers"], deps = [":boot", "//guest/mm", ...])

The linker script is preprocessed with FV_LINKER_SCRIPT and __ASSEMBLER__ defined;
assembly files (.S) see __ASSEMBLER__. Both may #include "proto/layout.h".

Programs for the guest (they run on Linux too): static ELF files.

    guest_program(name = "fork_bench", srcs = ["fork_bench.c"])              # musl
    guest_program(name = "threads", srcs = ["threads.cc"], libc = "glibc")   # C++: glibc only
    guest_program(name = "pie", srcs = ["hello.c"], pie = True)              # static-pie

Files inside the binary, and root file systems:

    cpio_archive(name = "rootfs", files = {"bin/fork_bench": "//guest/user:fork_bench"},
                 symlinks = {"bin/sh": "busybox"}, dirs = ["proc", "tmp"])   # gives rootfs.cpio
    embed(name = "rootfs_image", src = ":rootfs", symbol = "Rootfs")
        # #include "src/cli/rootfs_image.h":  std::span<const uint8_t> fv::embedded::Rootfs();
"""

load("//tools/build_defs:guest_kernel.bzl", _guest_kernel = "guest_kernel")
load("//tools/build_defs:images.bzl", _cpio_archive = "cpio_archive", _embed = "embed", _guest_program = "guest_program")
load("//tools/build_defs:kernel_variant.bzl", "with_kernel_feature")

guest_kernel = _guest_kernel
guest_program = _guest_program
cpio_archive = _cpio_archive
embed = _embed

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wcast-align",
    "-Wimplicit-fallthrough",
    "-Wunused",
    "-Wconversion",
    "-Wno-sign-conversion",
    "-Wno-c99-designator",
    "-Werror",
]

FV_COPTS = _WARNINGS

# Copts stand after the toolchain's own flags and after .bazelrc's, so these win:
# the stack protector's canary is a word of the kernel's (%fs:0x28, where it usually
# is, belongs to the user), no fortify (it calls libc), no sanitizers (--config=asan), -O2 whatever the mode. Position-independent
# objects with hidden visibility address everything relative to RIP, so the kernel
# links at an address that a 32-bit displacement could not name, without relocations.
# The x87 unit stays on for the compiler's sake: without it Clang refuses the long
# double overloads in <atomic>, <limits>, <span>; kernel_elf_test sees that none is used.
_FREESTANDING_COPTS = _WARNINGS + [
    "-ffreestanding",
    "-fno-exceptions",
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    "-fstack-protector-strong",
    "-mstack-protector-guard=global",
    "-U_FORTIFY_SOURCE",
]

_FREESTANDING_MODEL = [
    "-fpie",
    "-fvisibility=hidden",
    "-fdirect-access-external-data",
    "-mcmodel=small",
    "-march=x86-64",
    "-mno-red-zone",
    "-mno-sse",
    "-mno-mmx",
    "-mno-implicit-float",
    "-fno-omit-frame-pointer",
    "-fno-strict-aliasing",
    "-fno-jump-tables",
    "-O2",
    "-g",
    "-DFV_HOSTED=0",
]

# The kernel that finds its own memory errors and undefined behaviour (guest/sanitize, docs/memory.md).
# Checks are calls; redzones of stacks and globals are the compiler's, around a shadow whose place is a
# variable, because it depends on the machine's RAM. No vptr and function checks: they need RTTI.
_KASAN_COPTS = [
    "-fsanitize=kernel-address,undefined",
    "-fno-sanitize=vptr,function",
    "-fno-sanitize-recover=undefined",
    "-mllvm",
    "-asan-stack=1",
    "-mllvm",
    "-asan-use-after-scope=1",
    "-mllvm",
    "-asan-globals=1",
    "-mllvm",
    "-asan-force-dynamic-shadow=1",
    "-mllvm",
    "-asan-instrumentation-with-call-threshold=0",
]

def _freestanding_copts(checked):
    """The kernel's flags, with those of the features that it is built with (kernel_variant.bzl)."""
    checks = with_kernel_feature("kasan", _KASAN_COPTS, ["-fno-sanitize=all"]) if checked else ["-fno-sanitize=all"]
    return _FREESTANDING_COPTS + checks + _FREESTANDING_MODEL

# Every basic block has a counter, and an entry in a table of addresses. No block is left out because
# another one implies it: a line's counter is its block's. Comparisons are calls
# (guest/lib/compare_trace.cc).
_COVERAGE_COPTS = [
    "-fsanitize-coverage=inline-8bit-counters,pc-table,trace-cmp",
    "-mllvm",
    "-sanitizer-coverage-prune-blocks=0",
]

# Features as macros.
def _feature_defines():
    return (with_kernel_feature("coverage", ["-DFV_COVERAGE=1"], []) +
            with_kernel_feature("kasan", ["-DFV_KASAN=1"], []) +
            with_kernel_feature("mutants", ["-DFV_MUTANTS=1"], []))

# Flags that Clang refuses for C and assembly.
_FREESTANDING_CXX_ONLY = [
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-fvisibility-inlines-hidden",
]

# The sanitizers' price is paid in unit tests only; the two checks off need the C++ runtime linked by clang++.
_SANITIZE = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-sanitize=vptr,function",
]

_HOSTED_COPTS = _WARNINGS + _SANITIZE + [
    "-O1",
    "-fno-exceptions",
    "-DFV_HOSTED=1",
]

def fv_cc_library(name, copts = [], **kwargs):
    native.cc_library(
        name = name,
        copts = FV_COPTS + copts,
        linkstatic = True,
        **kwargs
    )

def fv_cc_binary(name, copts = [], **kwargs):
    native.cc_binary(
        name = name,
        copts = FV_COPTS + copts,
        **kwargs
    )

def fv_cc_test(name, copts = [], deps = [], size = "small", **kwargs):
    native.cc_test(
        name = name,
        copts = FV_COPTS + copts,
        size = size,
        deps = deps + ["//third_party:gtest_main"],
        **kwargs
    )

def _hosted(label):
    """The hosted twin's label: ":a" -> ":a_hosted", "//x/y" -> "//x/y:y_hosted"."""
    if ":" not in label:
        label = label + ":" + label.split("/")[-1]
    return label + "_hosted"

def _is_asm(src):
    return src.endswith(".S")

def guest_cc_library(
        name,
        srcs = [],
        hdrs = [],
        deps = [],
        shared_deps = [],
        freestanding_srcs = [],
        hosted_srcs = [],
        hosted = True,
        counted = True,
        copts = [],
        checked = True,
        testonly_hosted = True,
        **kwargs):
    """A library of the kernel; see the head of this file.

    Args:
      name: the freestanding library; NAME_hosted is its twin for unit tests.
      srcs: C++ and .S files of both sides.
      hdrs: headers of both sides.
      deps: other guest_cc_library targets, by their plain names.
      shared_deps: ordinary cc_library targets without objects, for both sides.
      freestanding_srcs: files for the kernel only.
      hosted_srcs: files for the unit tests only.
      hosted: False if there is nothing to test on the host.
      counted: False keeps the counters of //guest:kernel_fuzz out: what runs on special stacks, or
        shows nothing of what a program did.
      copts: further flags for both.
      checked: False for code that must run without the checks of a KASAN kernel.
      testonly_hosted: keep it: kernel code on the host is for tests.
      **kwargs: visibility, tags, ... of both.
    """
    all_srcs = srcs + freestanding_srcs
    asm = [s for s in all_srcs if _is_asm(s)]
    cxx = [s for s in all_srcs if not _is_asm(s)]
    asm_dep = []
    if asm:
        native.cc_library(
            name = name + "_asm",
            srcs = asm,
            hdrs = hdrs,
            copts = _freestanding_copts(checked = False) + copts,
            features = ["-supports_pic"],
            linkstatic = True,
            deps = deps + shared_deps,
            visibility = ["//visibility:private"],
            tags = kwargs.get("tags", []),
        )
        asm_dep = [":" + name + "_asm"]
    native.cc_library(
        name = name,
        srcs = cxx,
        hdrs = hdrs,
        copts = _freestanding_copts(checked) + _FREESTANDING_CXX_ONLY + _feature_defines() +
                (with_kernel_feature("coverage", _COVERAGE_COPTS, []) if counted else []) + copts,
        features = ["-supports_pic"],
        linkstatic = True,
        deps = deps + shared_deps + asm_dep,
        **kwargs
    )
    if hosted:
        native.cc_library(
            name = name + "_hosted",
            srcs = [s for s in srcs if not _is_asm(s)] + hosted_srcs,
            hdrs = hdrs,
            copts = _HOSTED_COPTS + copts,
            linkstatic = True,
            testonly = testonly_hosted,
            deps = [_hosted(d) for d in deps] + shared_deps,
            **kwargs
        )

def guest_cc_test(name, srcs, deps = [], shared_deps = [], copts = [], size = "small", **kwargs):
    """A unit test of guest code on the host: `deps` are guest libraries by their plain names."""
    native.cc_test(
        name = name,
        srcs = srcs,
        copts = FV_COPTS + _SANITIZE + ["-O1", "-DFV_HOSTED=1"] + copts,
        linkopts = ["-fsanitize=address,undefined"],
        size = size,
        deps = [_hosted(d) for d in deps] + shared_deps + ["//third_party:gtest_main"],
        # Containers cross between instrumented code and GoogleTest's archive, which is not.
        env = {"ASAN_OPTIONS": "detect_container_overflow=0:abort_on_error=0"},
        **kwargs
    )
