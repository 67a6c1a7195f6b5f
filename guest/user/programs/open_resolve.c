// SPDX-License-Identifier: Apache-2.0
//
// How openat2 walks: below a directory (RESOLVE_BENEATH), with it as the root (RESOLVE_IN_ROOT),
// without links of either kind, without leaving the mount; which flags and sizes it takes.
#include <linux/openat2.h>
#include <sys/stat.h>

#include "guest/user/lib/proc.h"

static int base;  // the directory that all paths start at

// Linux does not walk over `..` below a given root while anybody on the machine renames or mounts
// (EAGAIN): asks again.
static long OpenHow(int directory, const char* path, struct open_how how) {
  long fd;
  do {
    fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
  } while (fd < 0 && errno == EAGAIN && !(how.resolve & RESOLVE_CACHED));
  return fd;
}

// Opens with O_PATH and says whether it is what `want` names without restrictions: 1, 0, or -1 and
// errno.
static int Resolve(const char* path, unsigned long resolve, const char* want) {
  const struct open_how how = {.flags = O_PATH, .resolve = resolve};
  const int fd = (int)OpenHow(base, path, how);
  if (fd < 0) return -1;
  struct stat got, wanted;
  CHECK_INT(fstat(fd, &got), 0);
  CHECK_INT(fstatat(base, want, &wanted, 0), 0);
  close(fd);
  return got.st_ino == wanted.st_ino && got.st_dev == wanted.st_dev;
}

static void MakeTree(void) {
  CHECK_INT(mkdir("tree", 0700), 0);
  CHECK_INT(mkdir("tree/root", 0700), 0);
  CHECK_INT(mkdir("tree/root/sub", 0700), 0);
  CHECK_INT(mkdir("tree/root/etc", 0700), 0);
  const int fd = open("tree/root/etc/file", O_CREAT | O_WRONLY, 0600);
  CHECK(fd >= 0);
  close(fd);
  CHECK_INT(symlink("etc/file", "tree/root/link"), 0);
  CHECK_INT(symlink("../etc/file", "tree/root/sub/back"), 0);
  CHECK_INT(symlink("/etc/file", "tree/root/absolute"), 0);
  CHECK_INT(symlink("../../root/etc/file", "tree/root/sub/out_and_in"), 0);
  CHECK_INT(symlink("../../../../..", "tree/root/far"), 0);
  CHECK_INT(symlink("loop", "tree/root/loop"), 0);
  base = open("tree/root", O_PATH | O_DIRECTORY);
  CHECK(base >= 0);
}

static void RemoveTree(void) {
  static const char* const kNames[] = {
      "tree/root/link", "tree/root/sub/back", "tree/root/absolute", "tree/root/sub/out_and_in",
      "tree/root/far",  "tree/root/loop",     "tree/root/etc/file", "tree/root/made"};
  close(base);
  for (size_t i = 0; i < sizeof(kNames) / sizeof(kNames[0]); ++i) {
    CHECK_INT(unlink(kNames[i]), 0);
  }
  CHECK_INT(rmdir("tree/root/etc"), 0);
  CHECK_INT(rmdir("tree/root/sub"), 0);
  CHECK_INT(rmdir("tree/root"), 0);
  CHECK_INT(rmdir("tree"), 0);
}

static void Beneath(void) {
  enum { kBeneath = RESOLVE_BENEATH };
  CHECK_INT(Resolve("etc/file", kBeneath, "etc/file"), 1);
  CHECK_INT(Resolve(".", kBeneath, "."), 1);
  CHECK_INT(Resolve("link", kBeneath, "etc/file"), 1);
  CHECK_INT(Resolve("sub/back", kBeneath, "etc/file"), 1);
  CHECK_INT(Resolve("sub/../etc/file", kBeneath, "etc/file"), 1);
  CHECK_ERR(Resolve("..", kBeneath, "."), EXDEV);
  CHECK_ERR(Resolve("sub/../../root", kBeneath, "."), EXDEV);
  CHECK_ERR(Resolve("sub/out_and_in", kBeneath, "."), EXDEV);
  CHECK_ERR(Resolve("absolute", kBeneath, "."), EXDEV);
  CHECK_ERR(Resolve("/", kBeneath, "."), EXDEV);
  CHECK_ERR(Resolve("nothing", kBeneath, "."), ENOENT);
  CHECK_ERR(Resolve("loop", kBeneath, "."), ELOOP);
  Ok("beneath");
}

static void InRoot(void) {
  enum { kInRoot = RESOLVE_IN_ROOT };
  CHECK_INT(Resolve("..", kInRoot, "."), 1);
  CHECK_INT(Resolve("/", kInRoot, "."), 1);
  CHECK_INT(Resolve("/etc/file", kInRoot, "etc/file"), 1);
  CHECK_INT(Resolve("absolute", kInRoot, "etc/file"), 1);
  CHECK_INT(Resolve("far/etc/file", kInRoot, "etc/file"), 1);
  CHECK_ERR(Resolve("sub/out_and_in", kInRoot, "."), ENOENT);
  CHECK_INT(Resolve("sub/../../../etc", kInRoot, "etc"), 1);
  Ok("in a root");
}

static void Links(void) {
  CHECK_ERR(Resolve("link", RESOLVE_NO_SYMLINKS, "."), ELOOP);
  CHECK_ERR(Resolve("far/x", RESOLVE_NO_SYMLINKS, "."), ELOOP);
  CHECK_INT(Resolve("etc/file", RESOLVE_NO_SYMLINKS, "etc/file"), 1);
  CHECK_INT(Resolve("link", RESOLVE_NO_MAGICLINKS, "etc/file"), 1);
  CHECK_ERR(Resolve("/proc/self/exe", RESOLVE_NO_MAGICLINKS, "."), ELOOP);
  CHECK_ERR(Resolve("/proc/self/exe", RESOLVE_NO_SYMLINKS, "."), ELOOP);
  CHECK_ERR(Resolve("/proc/self/cwd/tree", RESOLVE_NO_MAGICLINKS, "."), ELOOP);
  CHECK_INT(Resolve("/proc/self/cwd/tree", 0, ".."), 1);
  CHECK_INT(Resolve("/proc/self/status", RESOLVE_NO_MAGICLINKS, "/proc/self/status"), 1);
  // The link itself.
  const struct open_how itself = {.flags = O_PATH | O_NOFOLLOW, .resolve = RESOLVE_NO_SYMLINKS};
  const int fd = (int)OpenHow(base, "link", itself);
  struct stat status;
  CHECK_INT(fstat(fd, &status), 0);
  CHECK(S_ISLNK(status.st_mode));
  close(fd);
  Ok("links");
}

static void Mounts(void) {
  const int saved = base;
  CHECK_INT(Resolve("etc/file", RESOLVE_NO_XDEV, "etc/file"), 1);
  CHECK_INT(Resolve("sub/..", RESOLVE_NO_XDEV, "."), 1);
  base = open("/", O_PATH);
  CHECK_ERR(Resolve("proc", RESOLVE_NO_XDEV, "."), EXDEV);
  CHECK_ERR(Resolve("/proc/self", RESOLVE_NO_XDEV, "."), EXDEV);
  close(base);
  base = open("/proc", O_PATH);
  CHECK_INT(Resolve("self/status", RESOLVE_NO_XDEV, "self/status"), 1);
  CHECK_ERR(Resolve("..", RESOLVE_NO_XDEV, "."), EXDEV);
  CHECK_INT(Resolve("..", 0, "/"), 1);
  CHECK_ERR(Resolve("self/cwd", RESOLVE_NO_XDEV, "."), EXDEV);
  CHECK_ERR(Resolve("self/cwd", RESOLVE_BENEATH, "."), EXDEV);
  CHECK_ERR(Resolve("self/cwd", RESOLVE_IN_ROOT, "."), EXDEV);
  CHECK_INT(Resolve("..", RESOLVE_IN_ROOT | RESOLVE_NO_XDEV, "."), 1);
  close(base);
  base = saved;
  Ok("mounts");
}

static void Makes(void) {
  const struct open_how inside = {
      .flags = O_CREAT | O_WRONLY, .mode = 0600, .resolve = RESOLVE_BENEATH};
  int fd = (int)OpenHow(base, "sub/../made", inside);
  CHECK(fd >= 0);
  close(fd);
  CHECK_ERR(OpenHow(base, "../made", inside), EXDEV);
  CHECK_ERR(OpenHow(base, "absolute", inside), EXDEV);
  fd = (int)OpenHow(base, "link", inside);
  CHECK(fd >= 0);
  close(fd);
  Ok("made");
}

static void Arguments(void) {
  const struct {
    struct open_how how;
    int error;
  } kBad[] = {
      {{.flags = O_RDONLY, .resolve = RESOLVE_BENEATH | RESOLVE_IN_ROOT}, EINVAL},
      {{.flags = O_RDONLY, .resolve = 0x40}, EINVAL},
      {{.flags = O_RDONLY, .resolve = 1ull << 40}, EINVAL},
      {{.flags = O_RDONLY, .mode = 0600}, EINVAL},
      {{.flags = O_CREAT, .mode = 0200000}, EINVAL},
      {{.flags = O_PATH | O_WRONLY}, EINVAL},
      {{.flags = O_PATH | O_TRUNC}, EINVAL},
      {{.flags = O_TMPFILE | O_PATH | O_WRONLY, .mode = 0600}, EINVAL},
      {{.flags = O_TMPFILE, .mode = 0600}, EINVAL},
      {{.flags = O_TRUNC | O_WRONLY, .resolve = RESOLVE_CACHED}, EAGAIN},
      {{.flags = O_CREAT | O_WRONLY, .mode = 0600, .resolve = RESOLVE_CACHED}, EAGAIN},
  };
  for (size_t i = 0; i < sizeof(kBad) / sizeof(kBad[0]); ++i) {
    CHECK_ERR(OpenHow(base, "etc/file", kBad[i].how), kBad[i].error);
  }
  // A longer structure is one of a later kernel: what it adds has to be zero.
  struct {
    struct open_how how;
    unsigned long more[2];
  } later = {{.flags = O_PATH, .resolve = RESOLVE_BENEATH}, {0, 0}};
  const int fd = (int)syscall(SYS_openat2, base, "etc", &later, sizeof(later));
  CHECK(fd >= 0);
  close(fd);
  later.more[1] = 1;
  CHECK_ERR(syscall(SYS_openat2, base, "etc", &later, sizeof(later)), E2BIG);
  CHECK_ERR(syscall(SYS_openat2, base, "etc", &later, 4097L), E2BIG);
  CHECK_ERR(syscall(SYS_openat2, base, "etc", &later, 23L), EINVAL);
  Ok("arguments");
}

int main(void) {
  char directory[] = "/tmp/fv_resolveXXXXXX";
  CHECK(mkdtemp(directory));
  CHECK_INT(chdir(directory), 0);
  MakeTree();
  Beneath();
  InRoot();
  Links();
  Mounts();
  Makes();
  Arguments();
  RemoveTree();
  CHECK_INT(rmdir(directory), 0);
  return Finish();
}
