// SPDX-License-Identifier: Apache-2.0
//
// A process chooses how its forks copy memory: prctl(kPrForkStrategy, name, before) of
// proto/fork_strategy.h. By fork the choice is inherited, over exec it is kept, and what a child
// sees is the same whatever was chosen. Linux has no such operation: there the forks are all alike.
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "guest/user/lib/proc.h"

enum { kPrForkStrategy = 0x46560003, kNameBytes = 16, kPages = 600, kPage = 4096 };

static int has_strategies;
static char* memory;
static long* faults;  // shared: of the last child

static long Choose(const char* name, char* before) {
  return prctl(kPrForkStrategy, name, before, 0, 0);
}

static int Chosen(const char* name) {
  char now[kNameBytes] = "";
  return !has_strategies || (Choose(NULL, now) == 0 && strcmp(now, name) == 0);
}

static long MinorFaults(void) {
  struct rusage usage;
  CHECK_INT(getrusage(RUSAGE_SELF, &usage), 0);
  return usage.ru_minflt;
}

// In a child: every page is as the parent wrote it and can be written.
static void Writes(void* name) {
  CHECK(Chosen(name));
  long before = MinorFaults();
  for (int page = 0; page < kPages; ++page) {
    char* byte = memory + (size_t)page * kPage;
    CHECK_INT(*byte, (char)page);
    *byte = (char)~page;
  }
  *faults = MinorFaults() - before;
}

// Forks by the strategy called `name`, which copies pages or else shares them.
static void ForkBy(const char* name, int copies) {
  if (has_strategies) CHECK_INT(Choose(name, NULL), 0);
  CHECK(Chosen(name));
  CHECK_INT(RunChild(Writes, (void*)name), 0);
  if (has_strategies) CHECK_INT(*faults < kPages / 20, copies);
  for (int page = 0; page < kPages; ++page) {
    CHECK_INT(memory[(size_t)page * kPage], (char)page);
    memory[(size_t)page * kPage] = (char)page;
  }
  Ok(name);
}

static void Refused(void) {
  if (!has_strategies) return;
  CHECK_INT(Choose("eager", NULL), 0);
  CHECK_ERR(Choose("no such", NULL), EINVAL);
  CHECK_ERR(Choose("", NULL), EINVAL);
  CHECK_ERR(Choose("a name that is longer than any may be", NULL), EINVAL);
  CHECK_ERR(Choose((const char*)8, NULL), EFAULT);
  CHECK_ERR(Choose("classic", (char*)8), EFAULT);
  CHECK(Chosen("eager"));
  char before[kNameBytes] = "";
  CHECK_INT(Choose("classic", before), 0);
  CHECK(strcmp(before, "eager") == 0);
  CHECK(Chosen("classic"));
}

static void Execs(void* path) {
  if (has_strategies) CHECK_INT(Choose("eager", NULL), 0);
  execl(path, path, "eager", (char*)NULL);
  _exit(99);
}

int main(int argc, char** argv) {
  has_strategies = Choose(NULL, NULL) == 0;
  if (!has_strategies) CHECK_INT(errno, EINVAL);
  if (argc > 1) return Chosen(argv[1]) ? 0 : 1;
  memory = mmap(NULL, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  faults = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || faults == MAP_FAILED) return 1;
  for (int page = 0; page < kPages; ++page) memory[(size_t)page * kPage] = (char)page;
  ForkBy("classic", 0);
  ForkBy("eager", 1);
  ForkBy("ondemand", 0);
  ForkBy("classic", 0);
  Refused();
  Ok("refused");
  CHECK_INT(RunChild(Execs, argv[0]), 0);
  CHECK(Chosen("classic"));
  Ok("exec keeps it");
  return Finish();
}
