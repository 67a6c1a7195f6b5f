// SPDX-License-Identifier: Apache-2.0
//
// /dev/null, zero, full, random, urandom, the standard descriptors under /dev; getrandom.
#include <fcntl.h>
#include <sys/random.h>

#include "guest/user/lib/memory.h"

static int Nonzero(const unsigned char* bytes, int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += bytes[i] != 0;
  return sum;
}

int main(void) {
  unsigned char buffer[256];
  int fd = open("/dev/null", O_RDWR);
  CHECK_INT(write(fd, buffer, 100), 100);
  CHECK_INT(read(fd, buffer, 100), 0);
  CHECK_INT(lseek(fd, 50, SEEK_SET) >= 0, 1);
  fd = open("/dev/zero", O_RDWR);
  memset(buffer, 7, sizeof(buffer));
  CHECK_INT(read(fd, buffer, 100), 100);
  CHECK_INT(Nonzero(buffer, 100), 0);
  CHECK_INT(buffer[100], 7);
  CHECK_INT(write(fd, buffer, 100), 100);
  unsigned char* map = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  CHECK(map != MAP_FAILED && map[kPage] == 0);
  map[0] = 1;
  fd = open("/dev/full", O_RDWR);
  CHECK_ERR(write(fd, buffer, 1), ENOSPC);
  CHECK_INT(read(fd, buffer, 10), 10);
  Ok("null, zero, full");
  const char* names[] = {"/dev/urandom", "/dev/random"};
  for (int i = 0; i < 2; ++i) {
    unsigned char other[64];
    fd = open(names[i], O_RDONLY);
    CHECK_INT(read(fd, buffer, 64), 64);
    CHECK_INT(read(fd, other, 64), 64);
    CHECK(memcmp(buffer, other, 64) != 0);
    CHECK(Nonzero(buffer, 64) > 40);
  }
  unsigned char more[64];
  CHECK_INT(getrandom(buffer, 64, 0), 64);
  CHECK_INT(getrandom(more, 64, GRND_NONBLOCK), 64);
  CHECK(memcmp(buffer, more, 64) != 0);
  CHECK_ERR(getrandom(buffer, 64, 0x100), EINVAL);
  Ok("random");
  CHECK_ERR(open("/dev/nothing", O_RDONLY), ENOENT);
  fd = open("/dev/stdout", O_WRONLY | O_APPEND);
  CHECK(fd >= 0);
  CHECK(write(fd, "through /dev/stdout\n", 20) == 20);
  fd = open("/dev/fd/2", O_WRONLY | O_APPEND);
  CHECK(fd >= 0);
  CHECK(write(fd, "through /dev/fd/2\n", 18) == 18);
  fd = open("/dev/shm/fv_shm", O_RDWR | O_CREAT | O_EXCL, 0600);
  CHECK(fd >= 0);
  CHECK_INT(ftruncate(fd, kPage), 0);
  unsigned char* shared = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(shared != MAP_FAILED);
  CHECK_INT(unlink("/dev/shm/fv_shm"), 0);
  shared[0] = 1;
  Ok("stdout, fd, shm");
  return Finish();
}
