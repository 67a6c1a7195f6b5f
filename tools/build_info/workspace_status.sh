#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Bazel runs this before every build (.bazelrc); what it prints reaches stamped rules.
# A key that starts with STABLE_ makes those rules run again when its value changes.
commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || commit=unknown
if [ "$commit" != unknown ] && [ -n "$(git status --porcelain --untracked-files=no 2>/dev/null)" ]; then
  commit=$commit-modified
fi
echo "STABLE_GIT_COMMIT $commit"
