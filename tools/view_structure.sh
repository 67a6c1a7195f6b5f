#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Describes the view anew: src/view/page/tests/structure, with which the page's browser tests compare
# their screenshots. Look at what changed before it is committed.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/tools/page_packages.sh"
cd "$root/src/view/page"
exec node build/run.mjs tests/support/write_structure.ts
