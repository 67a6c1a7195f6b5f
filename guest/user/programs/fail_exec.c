// SPDX-License-Identifier: Apache-2.0
//
// execve with every allocation of the kernel failing in turn: a static program, a script, a
// dynamically linked one, many arguments, from a thread. A failure leaves the caller whole: it
// reports what it got. See guest/user/lib/fail.h.
#include <pthread.h>
#include <sys/stat.h>

#include "guest/user/lib/fail.h"

extern char** environ;

static char* self;
static const char* target;
static char* arguments[200];

static void Target(const char* path, size_t count) {
  target = path;
  for (size_t i = 0; i + 1 < count; ++i) arguments[i] = i == 1 ? "leave" : "argument";
  arguments[count - 1] = NULL;
}

enum { kIntact = 0x5A };

// Executes the target in a child. The caller's memory is checked if it fails.
static void ExecTarget(int* result) {
  volatile int word = kIntact;
  FailBegin();
  execve(target, arguments, environ);
  result[1] = errno;
  (void)FailEnd(0);
  CHECK_INT(word, kIntact);
  result[0] = -1;
  _exit(ChildResult());
}

// Where allocations fail, so do those of the dynamic loader: it says so and leaves with this
// status.
enum { kLoaderFailed = 127 };

static long ExecBy(void (*exec)(int*)) {
  int* result = SharedMemory(2 * sizeof(int));
  FailWatch();
  pid_t pid = fork();
  if (pid == 0) {
    fv_failures = 0;
    CHECK(dup2(open("/dev/null", O_WRONLY), STDERR_FILENO) >= 0);
    exec(result);
  }
  long status = FailEnd(WaitShell(pid));
  CHECK(status == 0 || (fv_fail_hit && target != self && status == kLoaderFailed));
  long value = result[0];
  fv_fail_errno = result[1];
  CHECK_INT(munmap(result, 2 * sizeof(int)), 0);
  return value;
}
static long Exec(void) { return ExecBy(ExecTarget); }

// Only where there is one: a root of the test's own has none.
static long ExecDynamic(void) {
  bool there = access(target, X_OK) == 0;
  CHECK(there || fv_fail_number == 0);
  return there ? Exec() : 0;
}

static int* thread_result;
static void* ExecFromThread(void* unused) {
  ExecTarget(thread_result);
  return unused;
}
static void ExecThreaded(int* result) {
  pthread_t thread;
  thread_result = result;
  CHECK_INT(pthread_create(&thread, NULL, ExecFromThread, NULL), 0);
  pthread_join(thread, NULL);
  _exit(98);
}
static long ExecThread(void) { return ExecBy(ExecThreaded); }

static void Static(void) { Target(self, 3); }
static void ManyArguments(void) { Target(self, COUNT(arguments)); }
static void Dynamic(void) { Target("/bin/true", 3); }

static char script[] = "/tmp/fv_fail_scriptXXXXXX";
static void RemoveScript(void) { unlink(script); }
static void Script(void) {
  int fd = mkstemp(script);
  CHECK(fd >= 0);
  atexit(RemoveScript);
  char line[512];
  int length = snprintf(line, sizeof(line), "#!%s leave\n", self);
  CHECK_INT(write(fd, line, (size_t)length), length);
  CHECK_INT(fchmod(fd, 0700), 0);
  CHECK_INT(close(fd), 0);
  Target(script, 2);
}

static const FailCase kCases[] = {
    {"exec_static", Exec, Static, {ENOMEM}},
    {"exec_many_arguments", Exec, ManyArguments, {ENOMEM}},
    {"exec_script", Exec, Script, {ENOMEM}},
    {"exec_dynamic", ExecDynamic, Dynamic, {ENOMEM}},
    {"exec_from_thread", ExecThread, Static, {ENOMEM}},
};

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "leave") == 0) return 0;
  self = argv[0];
  return RunFailCases(argc, argv, kCases, COUNT(kCases));
}
