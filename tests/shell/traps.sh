# SPDX-License-Identifier: Apache-2.0
# Traps: EXIT, signals from itself and from a child, ignored signals, resetting, in subshells.
trap 'echo "exit trap, status $?"' EXIT
trap 'echo usr1' USR1
kill -USR1 $$
trap 'echo term caught' TERM
(kill -TERM $$)
sh -c "kill -TERM $$"
trap '' HUP
kill -HUP $$; echo "still here"
trap - TERM
(trap 'echo inner exit' EXIT; echo body)
sh -c 'trap "echo child exit" EXIT; exit 3'; echo "status $?"
sh -c 'kill -TERM $$; echo not reached'; echo "status $?"
sh -c 'trap "" TERM; kill -TERM $$; echo reached'; echo "status $?"
sh -c 'kill -SEGV $$' 2>/dev/null; echo "status $?"
exec 2>/dev/null  # whether the shell tells of the job's end depends on who is first
trap 'echo waiting interrupted' USR1
sleep 100 & p=$!
(kill -USR1 $$; kill $p) &
wait $p
echo "last"
exit 9
