# SPDX-License-Identifier: Apache-2.0
# Background jobs: wait for one, for all, statuses, $!, several at once, a killed job.
(exit 3) & wait $!; echo "status $?"
true & a=$!
(exit 4) & b=$!
wait $a; echo "a $?"
wait $b; echo "b $?"
mkfifo_dir=$(mktemp -d)
for i in 1 2 3 4 5; do (echo "job $i" > $mkfifo_dir/$i) & done
wait; echo "all done $?"
cat $mkfifo_dir/*
rm -r $mkfifo_dir
sleep 100 & p=$!
kill $p; wait $p; echo "killed $?"
sleep 100 & p=$!
kill -9 $p; wait $p 2>/dev/null; echo "killed $?"
wait 99999; echo "no such job $?"
echo out | cat &
wait
sh -c 'exit 6' & wait $!; echo "status $?"
