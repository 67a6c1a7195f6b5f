#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs npm's packages for src/view/page, as package-lock.json pins them, if those that are there
# are not these. Needs npm and, the first time, its registry.
set -eu
page=$(cd "$(dirname "$0")/../src/view/page" && pwd)
stamp=$page/node_modules/.forkvisor-lock

same() { cmp -s "$page/package-lock.json" "$stamp"; }
same && exit 0
command -v npm >/dev/null || { echo "page_packages: npm is not installed" >&2; exit 1; }

# Tests run with a bare environment; npm wants a place to put its cache and to find its settings.
if [ -z "${HOME:-}" ] || [ ! -w "$HOME" ]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
  export HOME
fi
exec 9<"$page/package.json"
flock 9 # two tests may want the packages at once
same && exit 0
log=$(mktemp)
if ! (cd "$page" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
cp "$page/package-lock.json" "$stamp"
