#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds src/view/page/dist/index.html from its TypeScript: build_page.sh [FILE]. The result is
# committed; //src/view/page:page_test refuses one that is not what the sources give.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/tools/page_packages.sh"
cd "$root/src/view/page"
node_modules/.bin/tsc --noEmit
exec node build/build.mjs "$@"
