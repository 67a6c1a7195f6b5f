# SPDX-License-Identifier: Apache-2.0
# Here-documents: expanded, quoted, with tabs removed, several, into a loop, into a function.
name=world
cat <<END
hello $name, $((1 + 2)), $(echo substituted)
END
cat <<'END'
raw $name $(echo not run)
END
cat <<-END
	tabs removed
	END
cat <<A; cat <<B
first
A
second
B
while read a b; do echo "$b-$a"; done <<END
1 one
2 two
END
show() { cat; }
show <<END | tr a-z A-Z
through a function
END
i=0; while [ $i -lt 300 ]; do echo "line $i of a long document"; i=$((i + 1)); done > document
eval "cat <<END
$(cat document)
END" | tail -n 1
rm document
