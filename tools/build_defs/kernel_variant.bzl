# SPDX-License-Identifier: Apache-2.0
"""Other builds of the guest kernel: the same targets, compiled with features on.

A feature is a build setting of this package (its BUILD.bazel), off in every ordinary build;
guest_cc_library asks for it with select(). Any combination is one kernel:

    kernel_variant(name = "kernel_fuzz", kernel = ":kernel", features = ["coverage", "mutants"])
"""

# coverage: basic blocks are counted (guest/lib/block_counters.h, docs/fuzzing.md).
# kasan: memory errors and undefined behaviour end in a panic (guest/sanitize).
# mutants: the bugs of proto/mutants.h can be switched on (guest/lib/mutants.h).
KERNEL_FEATURES = ["coverage", "kasan", "mutants"]

def _setting(feature):
    return "//tools/build_defs:kernel_" + feature

def _feature_setting_impl(_ctx):
    return []

kernel_feature_setting = rule(
    implementation = _feature_setting_impl,
    build_setting = config.bool(flag = True),
)

def with_kernel_feature(feature, on, off):
    """A select: `on` where the kernel is built with `feature`, else `off`."""
    return select({
        "//tools/build_defs:with_kernel_" + feature: on,
        "//conditions:default": off,
    })

def _with_features_impl(_settings, attr):
    for feature in attr.features_on:
        if feature not in KERNEL_FEATURES:
            fail("no feature of the kernel is called " + feature)
    return {_setting(feature): feature in attr.features_on for feature in KERNEL_FEATURES}

_with_features = transition(
    implementation = _with_features_impl,
    inputs = [],
    outputs = [_setting(feature) for feature in KERNEL_FEATURES],
)

def _kernel_variant_impl(ctx):
    elf = ctx.actions.declare_file(ctx.label.name + ".elf")
    kernel = ctx.files.kernel[0]
    ctx.actions.run_shell(
        inputs = [kernel],
        outputs = [elf],
        command = "cp %s %s" % (kernel.path, elf.path),
        mnemonic = "KernelVariant",
    )
    return [DefaultInfo(files = depset([elf]), runfiles = ctx.runfiles([elf]))]

_kernel_variant = rule(
    implementation = _kernel_variant_impl,
    attrs = {
        "features_on": attr.string_list(mandatory = True),
        "kernel": attr.label(mandatory = True, cfg = _with_features),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)

def kernel_variant(name, kernel, features, **kwargs):
    """NAME.elf: the kernel of `kernel`, compiled with `features`; see the head of this file."""
    _kernel_variant(name = name, kernel = kernel, features_on = features, **kwargs)
