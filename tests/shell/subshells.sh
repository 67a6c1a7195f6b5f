# SPDX-License-Identifier: Apache-2.0
# Subshells have their own variables, directory and traps; braces share them.
x=1
(x=2; cd /tmp; pwd; echo "inside $x")
echo "outside $x"
{ x=3; }
echo "braces $x"
(exit 5); echo "status $?"
(echo a; (echo b; (echo c; exit 7); echo "inner $?"))
y=$(echo from a substitution; exit 3); echo "$y, status $?"
echo "nested $(echo $(echo $(echo deep)))"
echo `echo backquotes`
z=$( (echo one; echo two) | wc -l ); echo $((z + 1))
for i in 1 2 3; do (x=$i$i; echo "$x"); done
echo "$x"
