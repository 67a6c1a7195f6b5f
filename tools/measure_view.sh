#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the view costs in Chromium.
#
#   measure_view.sh [PAGES EVENTS | RECORDING]   a step; without arguments of 100,000 pages and
#                                                10,000 events
#   measure_view.sh start [RUNS [PROGRAM]]       from the start of `forkvisor view` to the first
#                                                picture, by the launcher and by the program alone;
#                                                without arguments ten times with fork_two_pages
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/tools/page_packages.sh"
support=$root/src/view/page/tests/support
if [ "${1:-}" != start ]; then
  exec node "$root/src/view/page/build/run.mjs" "$support/measure.ts" "$@"
fi
cd "$root"
bazel build --noshow_progress --ui_event_filters=-info //src/cli:forkvisor \
  //guest/user:fork_two_pages >&2
exec node "$root/src/view/page/build/run.mjs" "$support/measure_start.ts" "${2:-10}" \
  "${3:-$root/bazel-bin/guest/user/fork_two_pages}" \
  ./forkvisor "$root/forkvisor" "the program alone" "$root/bazel-bin/src/cli/forkvisor"
