// SPDX-License-Identifier: Apache-2.0
//
// What execve refuses, and that the caller goes on unharmed.
#include <fcntl.h>
#include <sys/stat.h>

#include "guest/user/lib/proc.h"

static char* const kArgs[] = {"x", NULL};
static char* const kEnv[] = {NULL};

static void MakeFile(const char* path, const char* content, size_t size, mode_t mode) {
  unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  CHECK(fd >= 0);
  CHECK_INT(write(fd, content, size), size);
  CHECK_INT(fchmod(fd, mode), 0);
  close(fd);
}

// The file that cannot run and the errno for it.
static void Content(const char* name, const char* content, size_t size, int want) {
  const char* path = "/tmp/fv_exec_errors";
  MakeFile(path, content, size, 0755);
  CHECK_ERR(execve(path, kArgs, kEnv), want);
  CHECK_INT(unlink(path), 0);
  Ok(name);
}

static void Paths(void) {
  CHECK_ERR(execve("/no/such/file", kArgs, kEnv), ENOENT);
  CHECK_ERR(execve("", kArgs, kEnv), ENOENT);
  CHECK_ERR(execve("/tmp", kArgs, kEnv), EACCES);
  CHECK_ERR(execve("/dev/null", kArgs, kEnv), EACCES);
  CHECK_ERR(execve("/dev/null/x", kArgs, kEnv), ENOTDIR);
  char name[300];
  memset(name, 'n', sizeof(name));
  name[0] = '/';
  name[299] = 0;
  CHECK_ERR(execve(name, kArgs, kEnv), ENAMETOOLONG);
  char* path = malloc(5000);
  for (int i = 0; i < 5000; i += 2) memcpy(path + i, "/a", 2);
  path[4999] = 0;
  CHECK_ERR(execve(path, kArgs, kEnv), ENAMETOOLONG);
  free(path);
  MakeFile("/tmp/fv_exec_noexec", "#!/bin/sh\n", 10, 0644);
  CHECK_ERR(execve("/tmp/fv_exec_noexec", kArgs, kEnv), EACCES);
  unlink("/tmp/fv_exec_noexec");
  CHECK_INT(symlink("/tmp/fv_loop_b", "/tmp/fv_loop_a"), 0);
  CHECK_INT(symlink("/tmp/fv_loop_a", "/tmp/fv_loop_b"), 0);
  CHECK_ERR(execve("/tmp/fv_loop_a", kArgs, kEnv), ELOOP);
  unlink("/tmp/fv_loop_a");
  unlink("/tmp/fv_loop_b");
  Ok("paths");
}

static void Pointers(void) {
  CHECK_ERR(syscall(SYS_execve, 8, kArgs, kEnv), EFAULT);
  CHECK_ERR(syscall(SYS_execve, "/proc/self/exe", 8, kEnv), EFAULT);
  CHECK_ERR(syscall(SYS_execve, "/proc/self/exe", kArgs, 8), EFAULT);
  char* bad[] = {"x", (char*)16, NULL};
  CHECK_ERR(syscall(SYS_execve, "/proc/self/exe", bad, kEnv), EFAULT);
  Ok("pointers");
}

static void TooBig(void) {
  size_t size = 140000;  // one string may have 128 KiB
  char* big = malloc(size);
  memset(big, 'b', size);
  big[size - 1] = 0;
  char* args[] = {"x", big, NULL};
  CHECK_ERR(execve("/proc/self/exe", args, kEnv), E2BIG);
  big[131071] = 0;
  char* argv_ok[] = {"exec_errors", "len", big, NULL};
  pid_t child = fork();
  if (child == 0) {
    execve("/proc/self/exe", argv_ok, kEnv);
    _exit(98);
  }
  CHECK_INT(WaitShell(child), 17);
  Ok("string limits");
  // Together the strings may fill a quarter of the stack limit, 2 MiB of 8.
  char* many[60];
  big[60000] = 0;
  for (int i = 0; i < 59; ++i) many[i] = big;
  many[59] = NULL;
  CHECK_ERR(execve("/proc/self/exe", many, kEnv), E2BIG);
  many[0] = "exec_errors";
  many[1] = "count";
  many[30] = NULL;
  child = fork();
  if (child == 0) {
    execve("/proc/self/exe", many, kEnv);
    _exit(98);
  }
  CHECK_INT(WaitShell(child), 30);
  free(big);
  Ok("total limits");
}

// Only whether it may be executed, and of what is in it nothing (AT_EXECVE_CHECK).
static void Checks(void) {
  enum { kCheck = 0x10000 };
  char* const bad_words = (char*)8;
  char path[] = "/tmp/fv_exec_checkXXXXXX";
  int fd = mkstemp(path);
  CHECK_INT(write(fd, "text", 4), 4);
  CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, path, kArgs, kEnv, kCheck), EACCES);
  CHECK_INT(fchmod(fd, 0700), 0);
  CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, path, kArgs, kEnv, kCheck), ETXTBSY);
  close(fd);
  CHECK_INT(syscall(SYS_execveat, AT_FDCWD, path, kArgs, kEnv, kCheck), 0);
  CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, path, bad_words, kEnv, kCheck), EFAULT);
  CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, "/no/such", kArgs, kEnv, kCheck), ENOENT);
  CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, path, kArgs, kEnv, kCheck << 1), EINVAL);
  fd = open(path, O_RDONLY);
  CHECK_INT(syscall(SYS_execveat, fd, "", kArgs, kEnv, kCheck | 0x1000), 0);
  CHECK_ERR(syscall(SYS_execveat, fd, "", kArgs, kEnv, kCheck << 1), ENOENT);
  close(fd);
  unlink(path);
  Ok("checked only");
}

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "len") == 0) return strlen(argv[2]) == 131071 ? 17 : 18;
  if (argc > 3) return argc;
  Paths();
  Pointers();
  Content("empty file", "", 0, ENOEXEC);
  Content("text", "hello\n", 6, ENOEXEC);
  Content("cut off ELF", "\177ELF\2\1\1\0", 8, ENOEXEC);
  Content("script without interpreter", "#!\n", 3, ENOEXEC);
  Content("script with a missing interpreter", "#!/no/such/shell\n", 17, ENOENT);
  Content("script with a directory", "#!/tmp\n", 7, EACCES);
  char elf[128] = "\177ELF\2\1\1";
  elf[16] = 2;
  elf[18] = 40;  // EM_ARM
  Content("another machine's ELF", elf, sizeof(elf), ENOEXEC);
  TooBig();
  Checks();
  return Finish();
}
