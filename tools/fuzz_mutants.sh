#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# How long the fuzzer takes to find each known bug of the guest kernel (docs/invariants.md), of which
# it knows nothing: a campaign of one job from an empty corpus for each mutant, until its first finding.
#
#   tools/fuzz_mutants.sh FORKVISOR SECONDS [NAME...]
#
# SECONDS: how long to look for each. One line a mutant: name, seconds until the finding is on disk or
# "-", programs that were run, what was found. FLAGS in the environment go to each campaign.
set -eu

[ $# -ge 2 ] || { sed -n 's/^# *//; 3,11p' "$0" >&2; exit 2; }
forkvisor=$1
limit=$2
shift 2
work=$(mktemp -d)
campaign=
trap '[ -z "$campaign" ] || kill "$campaign" 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# "name strategy" of each mutant: a bug of a fork strategy shows where that one is used.
mutants() {
  "$forkvisor" check --mutants --format=json |
    awk -F'"' '/"clean"/ { exit } /"name"/ { name = $4 } /"strategy"/ { print name, $4 }'
}

milliseconds() { date +%s%3N; }

look_for() {
  rm -rf "$work/c"
  start=$(milliseconds)
  # shellcheck disable=SC2086
  "$forkvisor" fuzz ${FLAGS-} --mutant="$1" --strategy="$2" --jobs=1 --time="$limit" \
    --corpus="$work/c" >"$work/out" 2>"$work/err" &
  campaign=$!
  found=
  while [ -z "$found" ] && kill -0 "$campaign" 2>/dev/null; do
    sleep 0.1
    found=$(find "$work/c/findings" -name '*.textproto' 2>/dev/null | head -n 1)
  done
  now=$(milliseconds)
  kill "$campaign" 2>/dev/null || :
  wait "$campaign" 2>/dev/null || :
  campaign=
  [ -n "$found" ] || found=$(find "$work/c/findings" -name '*.textproto' 2>/dev/null | head -n 1)
  programs=$(grep -o '[0-9]* programs' "$work/err" "$work/out" | tail -n 1 | grep -o '[0-9]* programs' || :)
  if [ -n "$found" ]; then
    printf '%-22s %-9s %7d.%d  %s\n' "$1" "$2" $(((now - start) / 1000)) \
      $(((now - start) % 1000 / 100)) "$(sed -n '1s/^# //p' "$found" | cut -c1-100)"
  else
    printf '%-22s %-9s         -  %s\n' "$1" "$2" "${programs:-$(tail -n 1 "$work/err")}"
  fi
}

mutants >"$work/mutants"
while read -r name strategy; do
  case " $* " in
    "  " | *" $name "*) look_for "$name" "$strategy" ;;
  esac
done <"$work/mutants"
