# SPDX-License-Identifier: Apache-2.0
"""Builds the guest kernel a second time with FV_MUTANTS defined (guest/lib/mutants.h)."""

def _with_mutants_impl(settings, _attr):
    return {"//command_line_option:copt": settings["//command_line_option:copt"] + ["-DFV_MUTANTS=1"]}

_with_mutants = transition(
    implementation = _with_mutants_impl,
    inputs = ["//command_line_option:copt"],
    outputs = ["//command_line_option:copt"],
)

def _mutant_kernel_impl(ctx):
    elf = ctx.actions.declare_file(ctx.label.name + ".elf")
    kernel = ctx.files.kernel[0]
    ctx.actions.run_shell(
        inputs = [kernel],
        outputs = [elf],
        command = "cp %s %s" % (kernel.path, elf.path),
        mnemonic = "MutantKernel",
    )
    return [DefaultInfo(files = depset([elf]), runfiles = ctx.runfiles([elf]))]

mutant_kernel = rule(
    implementation = _mutant_kernel_impl,
    attrs = {
        "kernel": attr.label(mandatory = True, cfg = _with_mutants),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    doc = "NAME.elf: the kernel of `kernel`, compiled with FV_MUTANTS.",
)
