# SPDX-License-Identifier: Apache-2.0
"""Links the guest kernel: a static ELF file at the addresses of its linker script."""

def _archives(deps):
    """Every static archive and object of the dependencies, in Bazel's stable order."""
    files = []
    for dep in deps:
        for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list():
            for lib in linker_input.libraries:
                archive = lib.static_library or lib.pic_static_library
                if archive and archive not in files:
                    files.append(archive)
    return files

def _guest_kernel_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name + ".ld")
    elf = ctx.actions.declare_file(ctx.label.name + ".elf")
    map_file = ctx.actions.declare_file(ctx.label.name + ".map")
    archives = _archives(ctx.attr.deps)

    # -P: no line markers, which a linker script cannot hold.
    ctx.actions.run_shell(
        inputs = [ctx.file.linker_script] + ctx.files.linker_script_hdrs,
        outputs = [script],
        command = "clang -E -P -x c -D__ASSEMBLER__ -DFV_LINKER_SCRIPT -I. -I%s -o %s %s" % (
            ctx.bin_dir.path,
            script.path,
            ctx.file.linker_script.path,
        ),
        mnemonic = "GuestLinkerScript",
        use_default_shell_env = True,
    )

    args = ctx.actions.args()
    args.add_all([
        "--fatal-warnings",
        "-m",
        "elf_x86_64",
        "-static",
        "-no-pie",
        "-nostdlib",
        "--no-dynamic-linker",
        "--gc-sections",
        "--no-relax",
        "--build-id=none",
        "-z",
        "noexecstack",
        "-z",
        "max-page-size=4096",
        "-z",
        "norelro",
    ])
    args.add("-Map=" + map_file.path)
    args.add("-T", script)
    args.add("-o", elf)
    args.add("--whole-archive")
    args.add_all(archives)
    ctx.actions.run_shell(
        inputs = archives + [script],
        outputs = [elf, map_file],
        arguments = [args],
        command = 'exec ld.lld "$@"',
        mnemonic = "GuestKernelLink",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([elf]), runfiles = ctx.runfiles([elf]))]

guest_kernel = rule(
    implementation = _guest_kernel_impl,
    attrs = {
        "deps": attr.label_list(mandatory = True, providers = [CcInfo]),
        "linker_script": attr.label(mandatory = True, allow_single_file = [".ld"]),
        "linker_script_hdrs": attr.label_list(
            allow_files = True,
            doc = "Headers that the linker script includes.",
        ),
    },
    doc = "NAME.elf from guest_cc_library targets; head of defs.bzl.",
)
