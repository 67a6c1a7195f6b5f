# SPDX-License-Identifier: Apache-2.0
# Functions: arguments, return, recursion, local variables, redefinition, in pipelines.
greet() { echo "hello $1 of $#"; return 3; }
greet you me; echo "status $?"
fact() { if [ $1 -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }
fact 10
fib() { [ $1 -lt 2 ] && { echo $1; return; }; echo $(( $(fib $(($1 - 1))) + $(fib $(($1 - 2))) )); }
fib 9
scope() { local v=inner; w=global; echo $v; }
v=outer; scope; echo "$v $w"
upper() { tr a-z A-Z; }
echo piped | upper
greet() { echo redefined; }
greet
all() { for a in "$@"; do echo "[$a]"; done; echo "$*"; }
all one "two words" '' four
shifter() { while [ $# -gt 0 ]; do printf '%s ' $1; shift; done; echo; }
shifter a b c
unset -f greet; greet 2>/dev/null; echo "status $?"
