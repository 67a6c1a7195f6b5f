# SPDX-License-Identifier: Apache-2.0
# The order in which a directory gives its names, as tmpfs has it: the newest first. What is renamed
# or made anew is new. A directory that is emptied while it is read loses nothing.
d=$(mktemp -d); cd $d
touch a b c d; find .
mv b z; ln a a2; find .
rm c; touch c; find .
mkdir s; mv a a2 s; touch s/x; find .
mv z z2; mv z2 z; find .
i=0; while [ $i -lt 300 ]; do : >s/file_$i; i=$((i+1)); done
find s | wc -l; find s | md5sum
rm -r s; find .
cd /; rm -r $d
