# SPDX-License-Identifier: Apache-2.0
"""A local stand-in for rules_java, which Bazel loads to list its toolchains.

Nothing here is built with Java; every rule is Bazel 4's native one.
"""

def java_binary(**kwargs):
    native.java_binary(**kwargs)

def java_import(**kwargs):
    native.java_import(**kwargs)

def java_library(**kwargs):
    native.java_library(**kwargs)

def java_runtime(**kwargs):
    native.java_runtime(**kwargs)

def java_toolchain(**kwargs):
    native.java_toolchain(**kwargs)
