// SPDX-License-Identifier: Apache-2.0
//
// Which mappings are one, in /proc/self/maps: what a fork brought along takes in no new neighbour
// once it has had pages, and no other mapping that the fork brought; what had none is as new. And
// what a fork does not bring: pages that were only read.
#include <sys/mman.h>
#include <sys/prctl.h>

#include "guest/user/lib/proc.h"

enum { kPage = 4096, kPages = 32 };

static char* place;

static void Map(int first, int pages, int protection) {
  char* at = place + first * kPage;
  CHECK(mmap(at, (size_t)pages * kPage, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) == at);
}

static void MapWritable(int first, int pages) { Map(first, pages, PROT_READ | PROT_WRITE); }

static void Touch(int page) { place[page * kPage] = 1; }

static void Protect(int first, int pages, int protection) {
  CHECK_INT(mprotect(place + first * kPage, (size_t)pages * kPage, protection), 0);
}

static void Move(int from, int pages, int to) {
  char* target = place + to * kPage;
  CHECK(mremap(place + from * kPage, (size_t)pages * kPage, (size_t)pages * kPage,
               MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
}

// /proc/self/maps, read without memory from the C library, which would map some.
static char* Maps(void) {
  static char maps[32768];
  size_t length = 0;
  const int fd = open("/proc/self/maps", O_RDONLY);
  CHECK(fd >= 0);
  for (ssize_t n; (n = read(fd, maps + length, sizeof(maps) - 1 - length)) > 0;) {
    length += (size_t)n;
  }
  close(fd);
  maps[length] = 0;
  return maps;
}

// "0-4 6-8 ": the mappings of the place, in pages.
static const char* Layout(void) {
  static char text[256];
  const unsigned long low = (unsigned long)place, high = low + kPages * kPage;
  size_t length = 0;
  text[0] = 0;
  for (char* line = strtok(Maps(), "\n"); line != NULL; line = strtok(NULL, "\n")) {
    char* rest;
    const unsigned long start = strtoul(line, &rest, 16), end = strtoul(rest + 1, NULL, 16);
    if (start < low || end > high) continue;
    length += (size_t)snprintf(text + length, sizeof(text) - length, "%lu-%lu ",
                               (start - low) / kPage, (end - low) / kPage);
  }
  return text;
}

static void Expect(const char* what, const char* want) {
  const char* got = Layout();
  if (strcmp(got, want) != 0) {
    Say("FAIL %s: %snot %s", what, got, want);
    ++fv_failures;
  }
}

typedef struct {
  const char* name;
  void (*before)(void);
  void (*after)(void);
  const char* in_child;  // `after` in the child of a fork
  const char* without;   // and where there was none
} Case;

static void Touched(void) {
  MapWritable(0, 4);
  Touch(0);
}
static void Untouched(void) { MapWritable(0, 4); }
static void OnlyRead(void) {
  MapWritable(0, 4);
  (void)*(volatile char*)place;
}
static void Wiped(void) {
  Touched();
  CHECK_INT(madvise(place, 4 * kPage, MADV_WIPEONFORK), 0);
}
static void InParts(void) {
  MapWritable(0, 4);
  for (int page = 0; page < 4; ++page) Touch(page);
  Protect(2, 1, PROT_READ);
}
static void UntouchedInParts(void) {
  MapWritable(0, 4);
  Protect(2, 1, PROT_READ);
}
static void MadeReadOnly(void) {
  MapWritable(0, 4);
  Protect(0, 4, PROT_READ);
}
static void MadeReadOnlyTouched(void) {
  Touched();
  Protect(0, 4, PROT_READ);
}
static void WithHole(void) {
  MapWritable(0, 2);
  Touch(0);
  MapWritable(4, 2);
  Touch(4);
}

static void Behind(void) { MapWritable(4, 4); }
static void BehindAndTouch(void) {
  MapWritable(4, 4);
  Touch(4);
}
static void BehindReadOnly(void) { Map(4, 4, PROT_READ); }
static void BehindWiped(void) {
  MapWritable(4, 4);
  CHECK_INT(madvise(place + 4 * kPage, 4 * kPage, MADV_WIPEONFORK), 0);
}
static void Rejoin(void) { Protect(2, 1, PROT_READ | PROT_WRITE); }
static void PartAndRejoin(void) {
  Protect(2, 1, PROT_READ);
  Rejoin();
}
static void FillHole(void) { MapWritable(2, 2); }
static void AwayAndBack(void) {
  Move(0, 2, 8);
  Move(8, 2, 0);
}
static void MoveBehind(void) {
  MapWritable(8, 4);
  Move(8, 4, 4);
}
static void MoveBesideNew(void) {
  MapWritable(4, 4);
  Move(0, 4, 16);
  Move(16, 4, 0);
}
static void Emptied(void) {
  CHECK_INT(madvise(place, 4 * kPage, MADV_DONTNEED), 0);
  Behind();
}
static void OwnBehind(void) {
  MapWritable(4, 2);
  Touch(4);
  MapWritable(6, 2);
}
static void OtherAccess(void) {
  Map(4, 4, PROT_READ);
  Protect(4, 4, PROT_READ | PROT_WRITE);
}
static void OtherAccessTouched(void) {
  MapWritable(4, 4);
  Protect(4, 4, PROT_READ);
  Protect(4, 2, PROT_READ | PROT_WRITE);
  Touch(4);
  Protect(6, 2, PROT_READ | PROT_WRITE);
}

static const Case kCases[] = {
    {"new mapping", Touched, Behind, "0-4 4-8 ", "0-8 "},
    {"new mapping, touched", Touched, BehindAndTouch, "0-4 4-8 ", "0-8 "},
    {"untouched", Untouched, Behind, "0-8 ", "0-8 "},
    {"only read", OnlyRead, BehindAndTouch, "0-8 ", "0-8 "},
    {"wiped", Wiped, BehindWiped, "0-8 ", "0-8 "},
    {"parts of the parent", InParts, Rejoin, "0-2 2-3 3-4 ", "0-4 "},
    {"untouched parts", UntouchedInParts, Rejoin, "0-4 ", "0-4 "},
    {"parts of the child", Touched, PartAndRejoin, "0-4 ", "0-4 "},
    {"hole", WithHole, FillHole, "0-2 2-4 4-6 ", "0-4 4-6 "},
    {"away and back", Touched, AwayAndBack, "0-4 ", "0-4 "},
    {"moved there", Touched, MoveBehind, "0-4 4-8 ", "0-8 "},
    {"moved beside", Touched, MoveBesideNew, "0-4 4-8 ", "0-8 "},
    {"emptied", Touched, Emptied, "0-4 4-8 ", "0-8 "},
    {"two of its own", Touched, OwnBehind, "0-4 4-8 ", "0-8 "},
    {"other access", Touched, OtherAccess, "0-4 4-8 ", "0-8 "},
    {"other access, touched", Touched, OtherAccessTouched, "0-4 4-8 ", "0-8 "},
    {"made read-only", MadeReadOnly, BehindReadOnly, "0-8 ", "0-8 "},
    {"made read-only, touched", MadeReadOnlyTouched, BehindReadOnly, "0-4 4-8 ", "0-4 4-8 "},
};

static void RunAlone(void* arg) {
  const Case* test = arg;
  test->before();
  test->after();
  Expect(test->name, test->without);
}

static void AfterFork(void* arg) {
  const Case* test = arg;
  test->after();
  Expect(test->name, test->in_child);
}

static void RunForked(void* arg) {
  ((const Case*)arg)->before();
  CHECK_INT(RunChild(AfterFork, arg), 0);
}

// A page gets its first frame between two mappings that it could become one with: it goes with the
// upper one, as long as no fork brought that along.
static void BetweenTwo(void* arg) {
  (void)arg;
  WithHole();
  Map(2, 2, PROT_READ | PROT_WRITE | PROT_EXEC);
  Touch(2);
  Protect(2, 2, PROT_READ | PROT_WRITE);
  Expect("between two", "0-2 2-6 ");
}

static void Generations(void* arg) {
  int depth = *(int*)arg;
  MapWritable(2 * depth, 2);
  Touch(2 * depth);
  ++depth;
  if (depth < 4) CHECK_INT(RunChild(Generations, &depth), 0);
  static const char* const kWant[] = {"", "0-2 ", "0-2 2-4 ", "0-2 2-4 4-6 ", "0-2 2-4 4-6 6-8 "};
  Expect("generations", kWant[depth]);
}

static int IsPresent(int page) {
  unsigned char present = 0;
  CHECK_INT(mincore(place + page * kPage, kPage, &present), 0);
  return present & 1;
}

static void ReadPagesOfChild(void* arg) {
  (void)arg;
  CHECK_INT(IsPresent(0), 0);
  CHECK_INT(IsPresent(8), 1);
  CHECK_INT(IsPresent(9), 1);
  CHECK_INT(place[0], 0);
  CHECK_INT(IsPresent(0), 1);
}

// The zero page of a mapping that was never written is not copied.
static void ReadPages(void* arg) {
  (void)arg;
  OnlyRead();
  MapWritable(8, 4);
  Touch(8);
  (void)*(volatile char*)(place + 9 * kPage);
  CHECK_INT(IsPresent(0), 1);
  CHECK_INT(IsPresent(9), 1);
  CHECK_INT(RunChild(ReadPagesOfChild, NULL), 0);
}

int main(void) {
  place = mmap(NULL, (kPages + 32) * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(place != MAP_FAILED);
  place += 16 * kPage;
  CHECK_INT(munmap(place, kPages * kPage), 0);
  for (size_t i = 0; i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    void* test = (void*)&kCases[i];
    CHECK_INT(RunChild(RunAlone, test), 0);
    CHECK_INT(RunChild(RunForked, test), 0);
    Ok(kCases[i].name);
  }
  CHECK_INT(RunChild(BetweenTwo, NULL), 0);
  Ok("between two");
  int depth = 0;
  CHECK_INT(RunChild(Generations, &depth), 0);
  Ok("generations");
  CHECK_INT(RunChild(ReadPages, NULL), 0);
  Ok("pages that were only read");
  return Finish();
}
