// SPDX-License-Identifier: Apache-2.0
//
// process_vm_readv and process_vm_writev between a parent and its child, also while their pages are
// shared copy-on-write: a write into one does not show in the other. Partial counts and errors. Of
// its own memory a process copies upwards, also where the two ranges overlap.
#include <sys/syscall.h>
#include <sys/uio.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static unsigned char* memory;
static Baton to_child, to_parent;

static long Move(long call, pid_t pid, void* local, void* remote, size_t bytes) {
  struct iovec here = {local, bytes};
  struct iovec there = {remote, bytes};
  return syscall(call, (long)pid, &here, 1L, &there, 1L, 0L);
}

// Further apart than what a CPU may read ahead of its writes.
static void Overlap(long call) {
  enum { kBytes = 3 * 4096, kApart = 1000 };
  static unsigned char want[kBytes + kApart];
  unsigned char* area = Pages(4);
  for (int i = 0; i < kBytes + kApart; ++i) want[i] = area[i] = (unsigned char)(i * 7 + i / 256);
  for (int i = 0; i < kBytes; ++i) want[i + kApart] = want[i];
  unsigned char* to = area + kApart;
  const int reads = call == SYS_process_vm_readv;
  CHECK_INT(Move(call, getpid(), reads ? to : area, reads ? area : to, kBytes), kBytes);
  CHECK_INT(memcmp(area, want, sizeof(want)), 0);
  CHECK_INT(munmap(area, 4 * kPage), 0);
}

static void Child(void* unused) {
  (void)unused;
  memory[0] = 'c';
  Give(&to_parent);
  Take(&to_child);
  CHECK_INT(memory[1], 'w');
  CHECK_INT(memory[3 * kPage + 5], 'x');
}

int main(void) {
  memory = Pages(4);
  FillPages(memory, 4, 7);
  to_child = MakeBaton();
  to_parent = MakeBaton();
  pid_t child = Fork(Child, NULL);
  Take(&to_parent);
  static unsigned char copy[4 * 4096];
  CHECK_INT(Move(SYS_process_vm_readv, child, copy, memory, sizeof(copy)), sizeof(copy));
  CHECK_INT(copy[0], 'c');
  CHECK_INT(memcmp(copy + 1, memory + 1, sizeof(copy) - 1), 0);
  Ok("read");
  const unsigned char before = memory[1];
  CHECK_INT(Move(SYS_process_vm_writev, child, "w", memory + 1, 1), 1);
  CHECK_INT(Move(SYS_process_vm_writev, child, "x", memory + 3 * kPage + 5, 1), 1);
  CHECK_INT(memory[1], before);
  Ok("write");
  CHECK(munmap(memory + 2 * kPage, 2 * kPage) == 0);
  CHECK_INT(Move(SYS_process_vm_readv, child, memory, memory, 4 * kPage), 2 * kPage);
  CHECK_ERR(Move(SYS_process_vm_readv, child, memory, (void*)4096, 8), EFAULT);
  CHECK_ERR(Move(SYS_process_vm_readv, 999999, memory, memory, 8), ESRCH);
  struct iovec one = {memory, 8};
  CHECK_ERR(syscall(SYS_process_vm_readv, (long)child, &one, 1L, &one, 1L, 1L), EINVAL);
  CHECK_ERR(syscall(SYS_process_vm_readv, (long)child, &one, 1025L, &one, 1L, 0L), EINVAL);
  CHECK_INT(syscall(SYS_process_vm_readv, (long)child, &one, 0L, &one, 1L, 0L), 0);
  Ok("refused");
  Overlap(SYS_process_vm_readv);
  Overlap(SYS_process_vm_writev);
  Ok("overlap");
  Give(&to_child);
  CHECK_INT(WaitShell(child), 0);
  Ok("seen by the child");
  return Finish();
}
