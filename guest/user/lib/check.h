// SPDX-License-Identifier: Apache-2.0
//
// Checks for test programs that run on Linux and in the guest. Every line is one write(2) to
// stdout, so that lines of several processes never mix and nothing is buffered across fork().
// Output is deterministic: a check that holds prints nothing, `Ok(name)` prints "ok NAME", a check
// that fails prints "FAIL file:line ..." and counts. Main ends with `return Finish();`, a forked
// child with `_exit(Finish())` or `_exit(ChildResult())`. C and C++.
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fv_failures;

__attribute__((format(printf, 1, 2))) static inline void Say(const char* format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof(line) - 1, format, args);
  va_end(args);
  if (n > (int)sizeof(line) - 2) n = (int)sizeof(line) - 2;
  line[n++] = '\n';
  for (int done = 0; done < n;) {
    ssize_t wrote = write(STDOUT_FILENO, line + done, (size_t)(n - done));
    if (wrote < 0 && errno != EINTR) return;
    if (wrote > 0) done += (int)wrote;
  }
}

static inline const char* BaseName(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static inline void FailAt(const char* file, int line, const char* what, int saved_errno) {
  ++fv_failures;
  Say("FAIL %s:%d %s (errno %d)", BaseName(file), line, what, saved_errno);
}

static inline void CheckIntAt(const char* file, int line, const char* what, long got, long want) {
  if (got == want) return;
  int saved = errno;
  ++fv_failures;
  Say("FAIL %s:%d %s is %ld, not %ld (errno %d)", BaseName(file), line, what, got, want, saved);
}

static inline void CheckErrAt(const char* file, int line, const char* what, long got, int want) {
  int saved = errno;
  if (got == -1 && saved == want) return;
  ++fv_failures;
  Say("FAIL %s:%d %s gave %ld errno %d, not -1 errno %d", BaseName(file), line, what, got,
      got == -1 ? saved : 0, want);
}

// The expression is true.
#define CHECK(expr) ((expr) ? (void)0 : FailAt(__FILE__, __LINE__, #expr, errno))
// Two integers are equal; both are printed if not.
#define CHECK_INT(expr, want) CheckIntAt(__FILE__, __LINE__, #expr, (long)(expr), (long)(want))
// The call returns -1 with this errno.
#define CHECK_ERR(expr, want) CheckErrAt(__FILE__, __LINE__, #expr, (long)(expr), (want))

// Names what the checks since the last call have shown.
static inline void Ok(const char* name) {
  static int failures_before;
  if (fv_failures == failures_before) Say("ok %s", name);
  failures_before = fv_failures;
}

// Exit status of a forked child: its own failures, none inherited (see Fork in proc.h).
static inline int ChildResult(void) { return fv_failures ? 99 : 0; }

// Exit status of main.
static inline int Finish(void) {
  if (fv_failures) Say("FAIL %d checks", fv_failures);
  return fv_failures ? 1 : 0;
}
