# SPDX-License-Identifier: Apache-2.0
# Standard input: read with splitting, IFS, lines of a file, what is left for the next command.
read first rest; echo "first=$first rest=$rest"
IFS=: read a b c; echo "$a|$b|$c"
read -r raw; echo "$raw"
head -c 6; echo
cat | wc -l
read nothing; echo "status $?"
echo 'x y z' | { read p q; echo "$q $p"; }
