#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs clang-tidy with the checks of .clang-tidy over all C++ sources of the workspace, or over the
# ones named by their paths from its root; exits with 1 if there is any finding. The flags of each
# part are taken from tools/build_defs/defs.bzl. Generated headers come from bazel-bin, so build
# first: bazel build //...
set -eu
cd "$(dirname "$0")/.."

readonly kJobs=2

# The strings of the list NAME in defs.bzl; warnings are the compiler's business, not ours.
flags_of() {
  sed -n "/^$1 = /,/^]/s/^ *\"\(-.*\)\",\$/\1/p" tools/build_defs/defs.bzl
}

# Clang-tidy with the flags by which Bazel compiles the file $1.
tidy() {
  local flags="-std=c++20 -I. -Ibazel-bin"
  case "$1" in
    guest/user/*) ;;
    guest/*_test.cc | guest/mm/testing/* | guest/fs/testing/*) flags+=" -DFV_HOSTED=1" ;;
    guest/*) flags+=" $(flags_of _FREESTANDING_COPTS) $(flags_of _FREESTANDING_CXX_ONLY)" ;;
  esac
  # Clang-tidy counts what it suppresses on stderr; an error in the code stands on stdout.
  # shellcheck disable=SC2086
  clang-tidy --quiet --warnings-as-errors='*' "$1" -- $flags 2>/dev/null
}
export -f flags_of tidy

if [ $# -gt 0 ]; then printf '%s\0' "$@"; else git ls-files -z '*.cc'; fi |
  xargs -0 -n 1 -P "$kJobs" bash -c 'tidy "$1"' tidy || exit 1
