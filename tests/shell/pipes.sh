# SPDX-License-Identifier: Apache-2.0
# Pipelines: order, several stages, exit status of the last, subshells on both sides.
echo one two three | wc -w
printf '%s\n' c a b | sort | head -n 2
(echo left; echo right) | (read first; read second; echo "$second $first")
seq 1 100 | grep 7 | sed 's/7/seven/' | tail -n 3
seq 1 20000 | tail -n 1
yes | head -n 3
true | false; echo "status $?"
false | true; echo "status $?"
! true; echo "status $?"
seq 1 5 | while read n; do echo "line $n"; done
echo abc | tee copy | tr a-c A-C; cat copy; rm copy
