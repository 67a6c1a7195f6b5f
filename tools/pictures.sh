#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes the pictures of the documentation: pictures.sh [FOLDER], without it docs/pictures. Runs small
# programs in the guest, draws one, records them, and photographs the view of each in Chromium. Needs /dev/kvm
# and the test packages of tools/packages.txt.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/docs/pictures}
cd "$root"
bazel build --noshow_progress --ui_event_filters=-info //src/cli:forkvisor //guest:kernel_fuzz \
  //guest/user:fork_two_pages //guest/user:fork_shared_tables >&2
"$root/tools/page_packages.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bin=$root/bazel-bin
"$bin/src/cli/forkvisor" inspect --strategy=ondemand --at=fork-end graph \
  --out="$out/inspect-sharing.svg" -- "$bin/guest/user/fork_shared_tables" >&2
"$bin/src/cli/forkvisor" run --record="$work/fork.fvr" "$bin/guest/user/fork_two_pages" >&2
"$bin/src/cli/forkvisor" run --strategy=ondemand --record="$work/tables.fvr" \
  "$bin/guest/user/fork_shared_tables" >&2
# A kernel with a known bug: the oracle has to find it, so this fails on purpose.
"$bin/src/cli/forkvisor" check --kernel="$bin/guest/kernel_fuzz.elf" --mutant=fork-keeps-write \
  --record="$work/finding.fvr" "$bin/guest/user/fork_two_pages" >&2 && exit 1
node "$root/src/view/page/build/run.mjs" "$root/src/view/page/tests/support/pictures.ts" "$work" "$out"
