# SPDX-License-Identifier: Apache-2.0
#
# `./forkvisor test`: runs every test by Bazel, then counts test cases.
#
# Sourced by the launcher, which gives say, bazel_in_root and root. A GoogleTest
# program counts one for each of its cases (from the XML file that it leaves), any
# other test counts one. What Bazel does not report, or cannot build, has failed.
# shellcheck shell=sh disable=SC2154

# kvm_state: part of the tests' cache key, so that a result from a machine (or an
# hour) without KVM is not replayed when there is KVM, and the other way round.
kvm_state() {
  if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then echo "usable-$(uname -r)"; else echo absent; fi
}

# qemu_state: likewise.
qemu_state() {
  qemu-system-x86_64 --version 2>/dev/null | head -n 1 | tr -cd '[:alnum:].' || :
}

# case_count LABEL XML...: prints "passed failed skipped" of GoogleTest's XML files,
# names the cases that failed or were skipped on standard error.
case_count() {
  label=$1
  shift
  awk -v label="$label" '
    function attribute(line, name) {
      if (!match(line, " " name "=\"[^\"]*\"")) return ""
      return substr(line, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
    }
    function end_case() {
      if (current == "") return
      if (bad) { failed++; print "failed: " label " " current > "/dev/stderr" }
      else if (skip) { skipped++; print "skipped: " label " " current > "/dev/stderr" }
      else passed++
      current = ""
    }
    /^ *<testcase / {
      end_case()
      current = attribute($0, "classname") "." attribute($0, "name")
      bad = 0
      skip = attribute($0, "result") != "completed"
    }
    /^ *<failure / { bad = 1 }
    /^ *<\/testsuite>/ { end_case() }
    END { end_case(); print passed + 0, failed + 0, skipped + 0 }
  ' "$@"
}

# test_result LABEL STATUS: prints "passed failed skipped" of one test target.
test_result() {
  label=$1 status=$2
  logs=$root/bazel-testlogs/$(printf '%s' "${label#//}" | tr : /)
  set -- "$logs"/test.xml
  [ -e "$1" ] || set -- "$logs"/shard_*_of_*/test.xml
  counts='0 0 0'
  case $status in
    PASSED | FLAKY | FAILED | TIMEOUT)
      if [ -e "$1" ] && grep -q '^<testsuites .*name="AllTests"' "$1"; then
        counts=$(case_count "$label" "$@")
      elif [ "$status" = PASSED ] || [ "$status" = FLAKY ]; then
        counts='1 0 0'
      fi
      ;;
  esac
  # A test that failed without a failing case crashed, hung, leaked, or is no GoogleTest.
  case $status in
    PASSED | FLAKY) ;;
    *)
      if [ "$(echo "$counts" | cut -d' ' -f2)" -eq 0 ]; then
        printf 'failed: %s (%s)\n' "$label" "$status" >&2
        counts=$(echo "$counts" | awk '{ print $1, $2 + 1, $3 }')
      fi
      ;;
  esac
  echo "$counts"
}

run_tests() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  say "building and running every test"
  # A package that does not load costs its own tests only; Bazel then fails below as well.
  bazel_in_root query --keep_going 'tests(//...) except attr(tags, "\bmanual\b", //...)' \
    >"$work/labels" || say "some packages do not load"
  code=0
  # shellcheck disable=SC2086
  bazel_in_root test ${FORKVISOR_BAZEL_FLAGS:-} --keep_going --test_output=errors \
    --test_env=FORKVISOR_KVM="$(kvm_state)" --test_env=FORKVISOR_QEMU="$(qemu_state)" \
    --build_event_json_file="$work/events" \
    //... >&2 || code=$?
  touch "$work/events"
  sed -n 's/^{"id":{"testSummary":{"label":"\([^"]*\)".*"overallStatus":"\([^"]*\)".*/\1 \2/p' \
    "$work/events" >"$work/status"

  while read -r label; do
    status=$(awk -v label="$label" '$1 == label { print $2 }' "$work/status")
    test_result "$label" "${status:-NOT_RUN}"
  done <"$work/labels" >"$work/counts"
  # shellcheck disable=SC2046
  set -- $(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$work/counts")
  passed=$1 failed=$2 skipped=$3
  if [ "${FORKVISOR_REQUIRE_KVM:-0}" = 1 ] && [ "$skipped" -gt 0 ]; then
    say "skipped tests count as failed (FORKVISOR_REQUIRE_KVM=1)"
    failed=$((failed + skipped)) skipped=0
  fi
  # Bazel is unhappy and no test is to blame: something that is no test does not build.
  if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then
    say "bazel test //... ended with code $code"
    failed=1
  fi
  if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
  else
    echo "$passed passed, $failed failed"
  fi
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
