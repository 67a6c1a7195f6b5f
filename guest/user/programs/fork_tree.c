// SPDX-License-Identifier: Apache-2.0
//
// A binary tree of processes, six levels deep: every node checks what it inherited, counts itself
// in shared memory and in its own private counter, and passes the sum of its subtree up.
#include "guest/user/lib/proc.h"

enum { kLevels = 6 };

static volatile int* total;
static int own_path;

static int Node(int level, int path) {
  CHECK_INT(own_path, path >> 1);
  own_path = path;
  __atomic_add_fetch(total, 1, __ATOMIC_SEQ_CST);
  if (level == kLevels) return 1;
  pid_t kids[2];
  for (int side = 0; side < 2; ++side) {
    kids[side] = fork();
    CHECK(kids[side] >= 0);
    if (kids[side] == 0) _exit(fv_failures ? 255 : Node(level + 1, path * 2 + side));
  }
  int sum = 1;
  for (int side = 0; side < 2; ++side) sum += WaitShell(kids[side]);
  CHECK_INT(own_path, path);
  return sum;
}

int main(void) {
  total = (volatile int*)SharedMemory(4096);
  own_path = 0;
  int sum = Node(1, 1);
  CHECK_INT(sum, 63);
  CHECK_INT(*total, 63);
  Ok("63 nodes");
  return Finish();
}
