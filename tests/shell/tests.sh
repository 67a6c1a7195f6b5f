# SPDX-License-Identifier: Apache-2.0
# test: files, strings, numbers, combinations; if, elif, while, until, case, && and ||.
d=$(mktemp -d); touch $d/empty; echo x > $d/full; ln -s full $d/link; mkdir $d/sub; chmod 600 $d/full
for e in "-e $d/empty" "-s $d/empty" "-s $d/full" "-f $d/full" "-d $d/sub" "-f $d/sub" "-L $d/link" \
  "-x $d/full" "-r $d/full" "-e $d/none" "-z ''" "a = a" "a != a" "3 -lt 4" "4 -le 3" "1 -eq 01" \
  "$d/full -ef $d/link"; do
  eval "test $e" && r=yes || r=no
  echo "$e: $r" | sed "s|$d|D|g"
done
[ -n text -a 1 -eq 1 ] && echo both
[ -z text -o 1 -eq 1 ] && echo either
[ ! -e $d/none ] && echo negated
if false; then echo a; elif true; then echo b; else echo c; fi
n=0; until [ $n -ge 3 ]; do n=$((n + 1)); done; echo $n
while :; do n=$((n + 1)); [ $n -eq 5 ] && continue; [ $n -gt 7 ] && break; echo $n; done
false || echo or; true && echo and; true || echo never
[ 1 -eq x ] 2>/dev/null; echo "status $?"
rm -r $d
