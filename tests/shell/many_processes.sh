# SPDX-License-Identifier: Apache-2.0
# Hundreds of short processes, nested shells, and pipelines made in loops.
i=0
while [ $i -lt 100 ]; do env true; i=$((i + 1)); done
echo "$i processes"
depth() { if [ $1 -gt 0 ]; then (depth $(($1 - 1))); else echo bottom; fi; }
depth 12
echo 'if [ $1 -gt 0 ]; then sh $0 $(($1 - 1)); else echo shells; fi' > nest.sh
sh nest.sh 8
rm nest.sh
n=0
for i in 1 2 3 4 5 6 7 8 9 10; do
  n=$((n + $(seq 1 $i | grep -c .)))
done
echo $n
for i in 1 2 3 4 5 6 7 8; do (echo $i | cat | cat | cat >/dev/null) & done
wait
echo "done"
