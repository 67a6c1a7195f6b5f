# SPDX-License-Identifier: Apache-2.0
# Redirections: both streams, appending, closing, duplicates, to descriptors, noclobber, read-write.
f=redirected; rm -f $f
echo one > $f; echo two >> $f; cat < $f
ls /nonexistent 2>/dev/null; echo "status $?"
{ echo out; echo err >&2; } > $f 2>&1; cat $f
{ echo out; echo err >&2; } 2>&1 >/dev/null | sed 's/^/piped /'
exec 3> $f; echo through three >&3; exec 3>&-; cat $f
exec 4< $f; read line <&4; echo "read $line"; exec 4<&-
echo gone >&4 2>/dev/null; echo "closed $?"
> $f; wc -c < $f
set -C; echo no > $f 2>/dev/null || echo "noclobber"; echo yes >| $f; cat $f; set +C
cat < /nonexistent; echo "status $?"
rm $f; echo yes > $f  # cat may have put the page itself into the pipe, and it is about to change
echo text 1<> $f; cat $f
(exec > $f; echo inside); cat $f
while read n; do echo "in $n"; done < $f
rm $f
[ -e $f ] || echo removed
