# SPDX-License-Identifier: Apache-2.0
# Patterns: files, directories, hidden ones, classes, no match, in case and in parameters.
d=$(mktemp -d); cd $d
touch a1 a2 b1 .hidden 'with space'; mkdir dir; touch dir/x dir/y
echo *
echo a*
echo a?
echo [ab]1
echo [!a]*
echo */*
echo .h*
echo nothing*
echo "a*" 'b*' \*
for f in *; do echo "<$f>"; done
set -- a*; echo $#
case b1 in a*) echo a;; [bc]?) echo matched;; *) echo other;; esac
v=path/to/file.tar.gz
echo ${v##*/} ${v%/*} ${v%%.*} ${v#*/} ${v%.gz} ${#v}
echo ${none:-default} ${none:=assigned} $none ${none:+alternative}
cd /; rm -r $d
