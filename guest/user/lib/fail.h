// SPDX-License-Identifier: Apache-2.0
//
// System calls whose allocations in the kernel fail one after the other, for tests of what is left
// behind. A program has a table of cases:
//
//   static long Pipe(void) {
//     int ends[2];
//     long result = FAILING(pipe(ends));     // the one call under test
//     if (result == 0) close(ends[0]), close(ends[1]);
//     return result;
//   }
//   static const FailCase kCases[] = {{"pipe", Pipe, NULL, {ENOMEM}}};
//   int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
//
// Without arguments every case runs once and nothing fails: on Linux as in the guest. "list" prints
// the names of the cases. "each CASE" fails the first allocation of the call, the second, ... until
// it gets through untouched; the result has to be one of the case's errors or a success. After each
// attempt the program makes a mark (proto/fail.h): the host compares what the kernel holds at one
// with what it held at the one before.
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "guest/user/lib/proc.h"

enum { kPrFailNth = 0x46560001, kPrMark = 0x46560002, kMostErrors = 4 };

typedef struct {
  const char* name;
  long (*attempt)(void);  // the result of FAILING
  void (*prepare)(void);  // once, before the first attempt; may be NULL
  int errors[kMostErrors];
} FailCase;

static long fv_fail_number;  // the allocation to fail; 0: none
static bool fv_fail_hit;     // it was reached
static int fv_fail_errno;    // of the call under test
static long fv_fail_hits_before;

static inline void FailBegin(void) {
  if (fv_fail_number != 0) fv_fail_hits_before = prctl(kPrFailNth, fv_fail_number, 0, 0, 0);
}

static inline long FailEnd(long result) {
  fv_fail_errno = errno;
  if (fv_fail_number != 0) fv_fail_hit = prctl(kPrFailNth, 0, 0, 0, 0) != fv_fail_hits_before;
  errno = fv_fail_errno;
  return result;
}

// Another process will arm; FailEnd of this one tells whether anything failed.
static inline void FailWatch(void) {
  if (fv_fail_number != 0) fv_fail_hits_before = prctl(kPrFailNth, 0, 0, 0, 0);
}

#define FAILING(call) (FailBegin(), FailEnd(call))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// In a child of its own: what it becomes is gone with it. It may give up the right to disarm.
static inline long InChild(long (*attempt)(void)) {
  int* result = SharedMemory(2 * sizeof(int));
  FailWatch();
  pid_t pid = fork();
  if (pid == 0) {
    fv_failures = 0;
    result[0] = (int)attempt();
    result[1] = fv_fail_errno;
    _exit(ChildResult());
  }
  CHECK_INT(FailEnd(WaitShell(pid)), 0);
  long value = result[0];
  fv_fail_errno = result[1];
  CHECK_INT(munmap(result, 2 * sizeof(int)), 0);
  return value;
}

static inline bool IsAllowedError(const FailCase* test, int number) {
  for (int i = 0; i < kMostErrors; ++i) {
    if (test->errors[i] != 0 && test->errors[i] == number) return true;
  }
  return false;
}

static inline void FailEach(const FailCase* test) {
  enum { kMost = 20000 };
  // What is made once and kept, by the kernel or by the C library.
  for (int i = 0; i < 3; ++i) CHECK(test->attempt() >= 0);
  CHECK_INT(prctl(kPrMark, 0, 0, 0, 0), 0);
  long n = 0;
  do {
    fv_fail_number = ++n;
    fv_fail_hit = false;
    long result = test->attempt();
    if (result < 0 && (!fv_fail_hit || !IsAllowedError(test, fv_fail_errno))) {
      ++fv_failures;
      Say("FAIL %s: allocation %ld, errno %d", test->name, n, fv_fail_errno);
    }
    fv_fail_number = 0;
    prctl(kPrMark, n, 0, 0, 0);
  } while (fv_fail_hit && n < kMost);
  CHECK(n < kMost);
  Say("%s: %ld allocations", test->name, n - 1);
}

static inline int RunFailCases(int argc, char** argv, const FailCase* cases, size_t count) {
  const char* verb = argc > 1 ? argv[1] : "";
  for (size_t i = 0; i < count; ++i) {
    const FailCase* test = &cases[i];
    if (strcmp(verb, "list") == 0) {
      Say("%s", test->name);
    } else if (strcmp(verb, "each") == 0 && argc > 2 && strcmp(argv[2], test->name) == 0) {
      if (test->prepare) test->prepare();
      FailEach(test);
    } else if (argc == 1) {
      if (test->prepare) test->prepare();
      CHECK(test->attempt() >= 0);
      Ok(test->name);
    }
  }
  return Finish();
}
