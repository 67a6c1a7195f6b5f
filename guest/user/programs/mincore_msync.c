// SPDX-License-Identifier: Apache-2.0
//
// mincore sees touched pages only; msync and mlock accept mapped ranges and refuse holes.
#include "guest/user/lib/memory.h"

int main(void) {
  unsigned char* memory = Pages(6);
  unsigned char present[6];
  CHECK_INT(mincore(memory, 6 * kPage, present), 0);
  for (int i = 0; i < 6; ++i) CHECK_INT(present[i] & 1, 0);
  memory[2 * kPage] = 1;
  memory[5 * kPage] = 1;
  CHECK_INT(mincore(memory, 6 * kPage, present), 0);
  for (int i = 0; i < 6; ++i) CHECK_INT(present[i] & 1, i == 2 || i == 5);
  CHECK_ERR(mincore(memory + 1, kPage, present), EINVAL);
  CHECK_ERR(mincore(memory, 6 * kPage, (unsigned char*)8), EFAULT);
  CHECK_INT(munmap(memory + kPage, kPage), 0);
  memory[0] = 1;
  present[0] = present[1] = 8;
  CHECK_ERR(mincore(memory, 6 * kPage, present), ENOMEM);
  CHECK_INT(present[0] & 1, 1);  // what lies before the hole is told
  CHECK_INT(present[1], 8);
  Ok("mincore");
  CHECK_INT(msync(memory, kPage, MS_ASYNC), 0);
  CHECK_INT(msync(memory + 2 * kPage, 2 * kPage, MS_SYNC), 0);
  CHECK_ERR(msync(memory, 3 * kPage, MS_SYNC), ENOMEM);
  CHECK_ERR(msync(memory + 1, kPage, MS_SYNC), EINVAL);
  CHECK_ERR(msync(memory, kPage, MS_SYNC | MS_ASYNC), EINVAL);
  CHECK_ERR(msync(memory, kPage, 0x100), EINVAL);
  Ok("msync");
  return Finish();
}
