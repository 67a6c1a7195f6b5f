# SPDX-License-Identifier: Apache-2.0
# find, grep, sed, sort, awk, xargs, cut, tr, uniq, wc together.
d=$(mktemp -d); cd $d
mkdir -p tree/a/b tree/c
for i in 1 2 3 4 5 6 7 8 9; do echo "file $i size $((i * 7 % 5))" > tree/a/f$i; done
echo deep > tree/a/b/deep.txt; echo other > tree/c/other.txt
find tree -type f | sort | wc -l
find tree -name '*.txt' | sort
find tree -type d | sort
find tree -name 'f[1-3]' | sort | xargs cat
find tree -type f -exec grep -l deep {} \;
grep -r other tree
grep -c size tree/a/f* | sort | head -n 3
cat tree/a/f* | sort -k4n -k2r | sed -n '1p;$p'
cat tree/a/f* | awk '{s += $4; n[$4]++} END {print s; for (k = 0; k < 5; k++) print k, n[k]}'
cat tree/a/f* | cut -d' ' -f4 | sort | uniq -c | awk '{print $1 "x" $2}'
seq 1 30 | xargs -n 10 echo
seq 1 10 | sed -e '/5/d' -e 's/1/one/g' | tr '\n' ' '; echo
printf 'b 2\na 10\nc 1\n' | sort -k2n | awk '{print NR ": " $1}'
echo 'the quick brown fox' | awk '{for (i = NF; i > 0; i--) printf "%s ", $i; print ""}'
seq 1 2000 | awk '{s += $1} END {print s}'
diff tree/a/f1 tree/a/f1 && echo same
cmp tree/a/f1 tree/a/f2 > /dev/null || echo different
tar cf t.tar tree && tar tf t.tar | wc -l
gzip t.tar && gunzip t.tar.gz && md5sum < tree/a/f1
cd /; rm -r $d
