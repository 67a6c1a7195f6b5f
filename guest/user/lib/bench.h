// SPDX-License-Identifier: Apache-2.0
//
// What the benchmark programs share: the time-stamp counter, the raw fork, giving up.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // <linux/mman.h>; musl does not have it
#endif

enum { kPage = 4096 };

// Cycles; waits for what stands before it.
static inline uint64_t Now(void) {
  uint32_t low, high;
  __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
}

static inline void Die(const char* what) {
  perror(what);
  exit(1);
}

static inline void Reap(pid_t pid) {
  int status;
  if (waitpid(pid, &status, 0) != pid || status != 0) Die("waitpid");
}

// The system call alone: the C library's fork makes four more calls around it.
static inline pid_t RawFork(void) { return (pid_t)syscall(SYS_fork); }

typedef struct {
  uint64_t ns;
  uint64_t cycles;
} Clocks;

static inline Clocks ReadClocks(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  Clocks clocks = {(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, Now()};
  return clocks;
}

// Prints "tsc_khz KHZ": the counter against CLOCK_MONOTONIC since `start`.
static inline void PrintFrequency(Clocks start) {
  Clocks now = ReadClocks();
  uint64_t ns = now.ns - start.ns;
  double cycles = (double)(now.cycles - start.cycles);
  if (ns > 0) printf("tsc_khz %llu\n", (unsigned long long)(cycles * 1e6 / (double)ns));
}
