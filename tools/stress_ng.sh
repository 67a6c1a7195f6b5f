#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs stressors of stress-ng (Debian package stress-ng, which must be installed) in the guest, one
# after another, with the oracle looking at two safepoints in 64; exits with 1 if any failed.
#
#   tools/stress_ng.sh [-t SECONDS] [-w WORKERS] [STRESSOR... | all]
#
# SECONDS: for each, 10 by default. WORKERS: 1 by default. STRESSORs: by default those of fork and
# what surrounds it; "all": every one that docs/programs.md lists as passing.
# A line each: name, workers, what came of it, seconds of wall time:
#   passed   stress-ng said so (exit 0), no finding, no panic, nothing left behind at the end
#   skipped  stress-ng declined: unsupported, not as root, pathological
#   FAILED   with the exit code of forkvisor run (docs/command.md) and what was said first
set -u
cd "$(dirname "$0")/.." || exit 2

readonly kFork=(fork vfork clone mmapfork forkheavy vforkmany daemon zombie wait switch pipe futex
  sigq mmap mremap madvise mprotect)
readonly kAlike=(sigabrt sigchld sigfd sigfpe sigio signal signest sigpending sigpipe sigrt sigsegv
  sigsuspend sigtrap kill alarm timer timerfd itimer hrtimers nanosleep sleep clock
  affinity nice schedpolicy resched race-sched yield loadavg
  softlockup exit-group session pidfd pthread env context personality rlimit set
  brk stack stackmmap bigheap malloc memfd mincore mlock mmapaddr mmapfixed mmapmany msync
  msyncmany munmap fault shm dev-shm pagemove pageswap rmap vm vm-addr vm-rw
  vm-splice tlb-shootdown bad-altstack membarrier pkey
  sem sockpair eventfd epoll poll fifo pipeherd ring-pipe splice tee sendfile
  dup close fcntl flock lockf locka lockofd fstat full getrandom null zero
  sysbadaddr enosys procfs sysinfo wcs)

seconds=10 workers=1
while getopts t:w: option; do
  case $option in
    t) seconds=$OPTARG ;;
    w) workers=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
stressors=("${kFork[@]}")
if [ "${1:-}" = all ]; then stressors=("${kFork[@]}" "${kAlike[@]}"); elif [ $# -gt 0 ]; then stressors=("$@"); fi

command -v stress-ng >/dev/null || { echo "stress_ng.sh: install the package stress-ng" >&2; exit 2; }
readonly kForkvisor=bazel-bin/src/cli/forkvisor
[ -x $kForkvisor ] || { echo "stress_ng.sh: build first: bazel build //src/cli:forkvisor" >&2; exit 2; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
for name in "${stressors[@]}"; do
  start=$SECONDS
  $kForkvisor run --check=sampled --timeout=$((seconds * 6 + 60)) -- \
    stress-ng --verify "--$name" "$workers" -t "$seconds" </dev/null >"$log" 2>&1
  code=$?
  if grep -qE "No stress workers invoked|skipping (the )?stress" "$log"; then
    result="skipped"
  elif [ $code -eq 0 ] && grep -q "successful run completed" "$log" && ! grep -q "fail:" "$log"; then
    result="passed"
  else
    result="FAILED ($code) $(grep -m 1 -E 'fail:|forkvisor:|error:' "$log" | cut -c1-150)"
    failed=1
  fi
  printf '%-14s %2s workers  %4d s  %s\n' "$name" "$workers" $((SECONDS - start)) "$result"
done
exit $failed
