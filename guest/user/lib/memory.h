// SPDX-License-Identifier: Apache-2.0
//
// Memory for test programs: pages, patterns, probing an address without dying, temporary files.
// See check.h.
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "guest/user/lib/check.h"

enum { kPage = 4096 };

// Private anonymous pages, readable and writable; MAP_FAILED counts as a failure.
static inline unsigned char* Pages(size_t count) {
  void* memory =
      mmap(NULL, count * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  return (unsigned char*)memory;
}

// Writes a value that depends on the seed into the first and last word of each page.
static inline void FillPages(unsigned char* start, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t value = seed * 2654435761u + (uint32_t)i;
    memcpy(start + i * kPage, &value, 4);
    memcpy(start + i * kPage + kPage - 4, &value, 4);
  }
}

// Number of pages that do not hold what FillPages wrote.
static inline size_t BadPages(const unsigned char* start, size_t count, uint32_t seed) {
  size_t bad = 0;
  for (size_t i = 0; i < count; ++i) {
    uint32_t value = seed * 2654435761u + (uint32_t)i;
    bad += memcmp(start + i * kPage, &value, 4) != 0 ||
           memcmp(start + i * kPage + kPage - 4, &value, 4) != 0;
  }
  return bad;
}

static sigjmp_buf fv_probe_jump;
static volatile sig_atomic_t fv_probe_signal;
static volatile int fv_probe_code;

static inline void ProbeHandler(int signal_number, siginfo_t* info, void* context) {
  (void)context;
  fv_probe_signal = signal_number;
  fv_probe_code = info->si_code;
  siglongjmp(fv_probe_jump, 1);
}

static inline void ProbeArm(struct sigaction* before_segv, struct sigaction* before_bus) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_sigaction = ProbeHandler;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, before_segv);
  sigaction(SIGBUS, &action, before_bus);
  fv_probe_signal = 0;
  fv_probe_code = 0;
}

// Reads the byte: its value, or -signal (SIGSEGV, SIGBUS) if the access faults.
static inline int ProbeRead(const volatile void* address) {
  struct sigaction segv, bus;
  ProbeArm(&segv, &bus);
  volatile int value = 0;
  if (sigsetjmp(fv_probe_jump, 1) == 0) {
    value = *(const volatile unsigned char*)address;
  } else {
    value = -fv_probe_signal;
  }
  sigaction(SIGSEGV, &segv, NULL);
  sigaction(SIGBUS, &bus, NULL);
  return value;
}

// Writes the byte: 0, or -signal if the access faults.
static inline int ProbeWrite(volatile void* address, unsigned char byte) {
  struct sigaction segv, bus;
  ProbeArm(&segv, &bus);
  volatile int value = 0;
  if (sigsetjmp(fv_probe_jump, 1) == 0) {
    *(volatile unsigned char*)address = byte;
  } else {
    value = -fv_probe_signal;
  }
  sigaction(SIGSEGV, &segv, NULL);
  sigaction(SIGBUS, &bus, NULL);
  return value;
}

// An unnamed file of `pages` pages, page i filled with the byte 'a' + i; its descriptor.
static inline int TempFile(size_t pages) {
  char path[] = "/tmp/fv_fileXXXXXX";
  int fd = mkstemp(path);
  CHECK(fd >= 0);
  unlink(path);
  char page[kPage];
  for (size_t i = 0; i < pages; ++i) {
    memset(page, (int)('a' + i), sizeof(page));
    CHECK(write(fd, page, sizeof(page)) == (ssize_t)sizeof(page));
  }
  return fd;
}
