#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Formats all C and C++ files of the workspace, or the ones named.
set -eu
if [ $# -eq 0 ]; then
  cd "$(dirname "$0")/.."
  find . \( -name .git -o -name node_modules \) -prune -o -type f \( -name '*.h' -o -name '*.cc' -o -name '*.c' \) \
    -exec clang-format -i {} +
else
  clang-format -i "$@"
fi
