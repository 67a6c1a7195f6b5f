// SPDX-License-Identifier: Apache-2.0
//
// The results of a program in C form, as strace(1) would print them. Behind lifecycle.h, with a C
// library; included once. The including file defines what it prints:
//
//   static const struct StepText step_texts[FV_FUZZ_TASKS][FV_FUZZ_STEPS];   // text 0: the end
//   static const char* const error_names[];                                  // by errno
#include <stdio.h>

enum PrintedAs { kAsNumber, kAsAddress, kAsTask };

struct StepText {
  const char* text;  // the call and its arguments
  enum PrintedAs printed_as;
  int has_output;
};

static const struct StepText step_texts[FV_FUZZ_TASKS][FV_FUZZ_STEPS];
static const char* const error_names[ERROR_NAMES];

static int TaskOfPid(int64_t pid) {
  for (int task = 0; task < FV_FUZZ_TASKS; ++task) {
    if (shared->report.pids[task] != 0 && shared->report.pids[task] == pid) return task;
  }
  return -1;
}

static void PrintResult(const struct StepText* step, const struct FvFuzzResult* result) {
  const int64_t value = result->result;
  if (result->state != FV_FUZZ_DONE) {
    printf("? (%s)\n", result->state == FV_FUZZ_ENTERED ? "did not return" : "not reached");
    return;
  }
  if (value < 0 && value > -ERROR_NAMES) {
    printf("-1 %s\n", error_names[-value]);
    return;
  }
  const uint64_t offset = (uint64_t)value - FV_FUZZ_ARENA;
  if (step->printed_as == kAsAddress && offset < FV_FUZZ_ARENA_PAGES * FV_FUZZ_PAGE) {
    printf("arena+0x%llx", (unsigned long long)offset);
  } else if (step->printed_as == kAsAddress) {
    printf("0x%llx", (unsigned long long)value);
  } else if (step->printed_as == kAsTask && TaskOfPid(value) >= 0) {
    printf("task %d", TaskOfPid(value));
  } else {
    printf("%lld", (long long)value);
  }
  if (step->has_output) printf(" [0x%llx]", (unsigned long long)result->output);
  printf("\n");
}

static void Report(void) {
  for (int task = 0; task < FV_FUZZ_TASKS; ++task) {
    for (int step = 0; step < FV_FUZZ_STEPS && step_texts[task][step].text != NULL; ++step) {
      printf("[task %d] %s = ", task, step_texts[task][step].text);
      PrintResult(&step_texts[task][step], &shared->results[task][step]);
    }
    const uint32_t handled = shared->report.handled[task];
    if (handled != 0) printf("[task %d] signal handlers: %u\n", task, handled);
  }
  if (shared->report.cut != FV_FUZZ_WHOLE) printf("the tasks that were left were killed\n");
  fflush(stdout);
}
