#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a step of the view costs in Chromium: measure_view.sh [PAGES EVENTS | RECORDING]; without
# arguments 100,000 pages and 10,000 events.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/tools/page_packages.sh"
exec node "$root/src/view/page/build/run.mjs" "$root/src/view/page/tests/support/measure.ts" "$@"
