# SPDX-License-Identifier: Apache-2.0
# Exit codes of commands, scripts, signals; set -e; a command that is not there or not executable.
sh -c 'exit 0'; echo $?
sh -c 'exit 42'; echo $?
sh -c 'exit 256'; echo $?
nosuchcommand 2>/dev/null; echo $?
touch ./plain; ./plain 2>/dev/null; echo $?; rm ./plain
sh -c 'kill -9 $$'; echo $?
sh -c 'set -e; false; echo unreached'; echo $?
sh -c 'set -e; if false; then :; fi; false || true; echo reached'; echo $?
sh -c 'set -u; echo $undefined' 2>/dev/null; echo $?
sh -c 'exec sh -c "exit 8"'; echo $?
grep -q nothing /dev/null; echo $?
test -d /tmp; echo $?
printf '#!/bin/busybox sh\nexit 12\n' > ./exits; chmod +x ./exits
./exits; echo $?
rm ./exits
exit 77
