// SPDX-License-Identifier: Apache-2.0
//
// posix_spawn, system and popen: how C libraries start programs (clone with VM and VFORK). File
// actions, attributes, a program that is not there.
#include <fcntl.h>
#include <spawn.h>

#include "guest/user/lib/proc.h"

static char* const kEnv[] = {"SPAWNED=yes", NULL};

static pid_t Spawn(const char* path, const posix_spawn_file_actions_t* actions,
                   const posix_spawnattr_t* attributes, const char* what) {
  char* args[] = {"spawn", (char*)what, NULL};
  pid_t pid = -1;
  int error = posix_spawn(&pid, path, actions, attributes, args, kEnv);
  return error ? -error : pid;
}

static int Role(const char* what) {
  if (strcmp(what, "code") == 0) return getenv("SPAWNED") ? 31 : 32;
  if (strcmp(what, "write") == 0) return write(9, "written by the child\n", 21) == 21 ? 0 : 1;
  if (strcmp(what, "mask") == 0) {
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    struct sigaction action;
    sigaction(SIGUSR2, NULL, &action);
    return sigismember(&mask, SIGUSR1) && action.sa_handler == SIG_DFL && getpgrp() == getpid()
               ? 33
               : 34;
  }
  return 35;
}

static void Actions(void) {
  int fds[2];
  CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fds[1], 9);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addclose(&actions, fds[0]);
  pid_t child = Spawn("/proc/self/exe", &actions, NULL, "write");
  close(fds[1]);
  char text[64] = "";
  CHECK_INT(read(fds[0], text, sizeof(text)), 21);
  CHECK_INT(read(fds[0], text, sizeof(text)), 0);
  CHECK_INT(WaitShell(child), 0);
  close(fds[0]);
  posix_spawn_file_actions_destroy(&actions);
  Ok("file actions");
}

static void Attributes(void) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t mask, defaults;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGUSR2);
  signal(SIGUSR2, SIG_IGN);
  posix_spawnattr_setsigmask(&attributes, &mask);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  CHECK_INT(WaitShell(Spawn("/proc/self/exe", NULL, &attributes, "mask")), 33);
  posix_spawnattr_destroy(&attributes);
  Ok("attributes");
}

int main(int argc, char** argv) {
  if (argc > 1) return Role(argv[1]);
  CHECK_INT(WaitShell(Spawn("/proc/self/exe", NULL, NULL, "code")), 31);
  CHECK_INT(Spawn("/no/such/program", NULL, NULL, "code"), -ENOENT);
  CHECK_INT(Spawn("/tmp", NULL, NULL, "code"), -EACCES);
  CHECK_ERR(wait(NULL), ECHILD);
  for (int i = 0; i < 30; ++i) {
    CHECK_INT(WaitShell(Spawn("/proc/self/exe", NULL, NULL, "code")), 31);
  }
  Ok("posix_spawn");
  Actions();
  Attributes();
  return Finish();
}
