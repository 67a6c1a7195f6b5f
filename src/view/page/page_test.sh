#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the page's tests of one folder under tests/: page_test.sh unit|browser|live [FORKVISOR PROGRAM],
# with the command and the guest's program that live uses. Where Node or npm's packages are
# missing and cannot be had, the test is skipped, which counts as failed in continuous integration.
set -eu
folder=$1
if [ $# -ge 3 ]; then
  FORKVISOR=$PWD/$2 FORKVISOR_PROGRAM=$PWD/$3
  export FORKVISOR FORKVISOR_PROGRAM
fi
root=$(dirname "$(readlink -f "${TEST_SRCDIR:?run by bazel test}/forkvisor/WORKSPACE")")
page=$root/src/view/page

# skip REASON: one case, skipped, in GoogleTest's form.
skip() {
  echo "skipped: $1"
  cat >"${XML_OUTPUT_FILE:?}" <<XML
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="AllTests">
  <testsuite name="page">
    <testcase name="$folder" result="skipped" classname="page" />
  </testsuite>
</testsuites>
XML
  exit 0
}

command -v node >/dev/null || skip "no node: see tools/packages.txt"
"$root/tools/page_packages.sh" || skip "npm's packages could not be installed"
cd "$page"
exec node build/test.mjs "$folder"
