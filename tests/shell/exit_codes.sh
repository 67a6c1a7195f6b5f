# SPDX-License-Identifier: Apache-2.0
# Exit codes of commands, scripts, signals; set -e; a command that is not there or not executable.
sh -c 'exit 0'; echo $?
sh -c 'exit 42'; echo $?
sh -c 'exit 256'; echo $?
nosuchcommand 2>/dev/null; echo $?
touch /tmp/fv_plain; /tmp/fv_plain 2>/dev/null; echo $?; rm /tmp/fv_plain
sh -c 'kill -9 $$'; echo $?
sh -c 'set -e; false; echo unreached'; echo $?
sh -c 'set -e; if false; then :; fi; false || true; echo reached'; echo $?
sh -c 'set -u; echo $undefined' 2>/dev/null; echo $?
sh -c 'exec sh -c "exit 8"'; echo $?
grep -q nothing /dev/null; echo $?
test -d /tmp; echo $?
printf '#!/bin/busybox sh\nexit 12\n' > /tmp/fv_script_exit; chmod +x /tmp/fv_script_exit
/tmp/fv_script_exit; echo $?
rm /tmp/fv_script_exit
exit 77
