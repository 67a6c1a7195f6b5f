#!/bin/bash -eu
# SPDX-License-Identifier: Apache-2.0
#
# OSS-Fuzz's build step: the fuzz target with its dictionary, options and seed corpus into $OUT.
# SRC, WORK and OUT are as the base-builder sets them; $SRC/forkvisor is this source tree.
#
#   SRC=$(dirname "$PWD") WORK=/tmp/work OUT=/tmp/out tools/campaigns/oss-fuzz/build.sh
cd "${FORKVISOR_SRC:-$SRC/forkvisor}"
here=tools/campaigns/oss-fuzz
target=forkvisor_fuzzer

# The target has its engine inside, and judges a kernel that no sanitizer of the host sees.
if [ "${FUZZING_ENGINE:-libfuzzer} ${SANITIZER:-none}" != "libfuzzer none" ]; then
  echo "build.sh: FUZZING_ENGINE=libfuzzer SANITIZER=none is all that there is" >&2
  exit 1
fi
# The kernel's flags are its own; the build takes its compiler from the system (docs/building.md).
unset CFLAGS CXXFLAGS
${BAZEL:-bazel} build //src/fuzz:$target //src/cli:forkvisor
bin=$(readlink -f bazel-bin)

mkdir -p "$OUT" "$WORK"
install -m 755 "$bin/src/fuzz/$target" "$OUT/$target"
install -m 644 "$here/$target.options" "$OUT/$target.options"
"$bin/src/cli/forkvisor" fuzz --dictionary="$WORK/$target.dict"
install -m 644 "$WORK/$target.dict" "$OUT/$target.dict"

# Seeds: the programs that tests keep, as bytes.
seeds=$(mktemp -d "$WORK/seeds.XXXXXX")
for program in tests/corpus/*.textproto; do
  "$bin/src/cli/forkvisor" replay --as=bytes "$program" >"$seeds/$(basename "$program" .textproto)"
done
rm -f "$OUT/${target}_seed_corpus.zip"
(cd "$seeds" && python3 -m zipfile -c "$OUT/${target}_seed_corpus.zip" ./*)
rm -rf "$seeds"
