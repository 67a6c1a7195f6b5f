# SPDX-License-Identifier: Apache-2.0
# Arithmetic: operators, precedence, bases, assignment, comparison, loops of it.
echo $((1 + 2 * 3)) $(((1 + 2) * 3)) $((7 / 2)) $((7 % 3)) $((-7 / 2))
echo $((1 << 10)) $((255 >> 4)) $((0xff)) $((010)) $((5 & 3)) $((5 | 3)) $((5 ^ 3)) $((~0))
x=5; echo $((x += 2)) $x $((x++)) $x $((--x)) $((x * x))
echo $((3 > 2)) $((3 < 2)) $((3 == 3)) $((1 && 0)) $((1 || 0)) $((!1)) $((1 ? 10 : 20))
echo $((9223372036854775807)) $((9223372036854775807 + 1))
i=0; s=0
while [ $i -lt 1000 ]; do i=$((i + 1)); s=$((s + i)); done
echo $s
expr 3 + 4; expr abc : 'a\(.\)c'; expr 1 \> 2; echo "status $?"
a=1; b=1; for n in 1 2 3 4 5 6 7 8 9 10; do c=$((a + b)); a=$b; b=$c; done; echo $b
