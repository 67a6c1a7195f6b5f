// SPDX-License-Identifier: Apache-2.0
//
// What makes two futexes one: private and shared ones never meet; a shared one is named by its
// page, so a private mapping of a file meets the file until it has a page of its own, and a shared
// operation gives it one where it may be written. Which memory each operation refuses; which
// waiters a thread's end wakes.
#include <linux/futex.h>
#include <sched.h>

#include "guest/user/lib/futex.h"
#include "guest/user/lib/memory.h"

// With FUTEX_PRIVATE_FLAG or without, as `operation` says.
static long Call(const volatile uint32_t* word, int operation, uint32_t value, uint32_t* word2) {
  return syscall(SYS_futex, word, operation, value, NULL, word2, 0);
}

typedef struct {
  uint32_t* word;
  int operation;
} Waiting;

static void Waits(void* arg) {
  const Waiting* wait = arg;
  CHECK_INT(Call(wait->word, wait->operation, 0, NULL), 0);
}

// How many a wake at `word` wakes while one waits.
static long Meets(Waiting wait, uint32_t* word, int wake) {
  Sleeper sleeper;
  StartSleeper(&sleeper, Waits, &wait);
  const long woken = Call(word, wake, 1, NULL);
  if (woken == 0) {
    CHECK_INT(Call(wait.word, FUTEX_WAKE | (wait.operation & FUTEX_PRIVATE_FLAG), 1, NULL), 1);
  }
  CHECK_INT(pthread_join(sleeper.thread, NULL), 0);
  return woken;
}

static void Scopes(void) {
  uint32_t* word = (uint32_t*)Pages(1);
  CHECK_INT(Meets((Waiting){word, FUTEX_WAIT_PRIVATE}, word, FUTEX_WAKE_PRIVATE), 1);
  CHECK_INT(Meets((Waiting){word, FUTEX_WAIT}, word, FUTEX_WAKE), 1);
  CHECK_INT(Meets((Waiting){word, FUTEX_WAIT_PRIVATE}, word, FUTEX_WAKE), 0);
  CHECK_INT(Meets((Waiting){word, FUTEX_WAIT}, word, FUTEX_WAKE_PRIVATE), 0);
  Ok("private and shared");
}

static int file;
static uint32_t* MapFile(int protection, int kind) {
  uint32_t* word = mmap(NULL, kPage, protection, kind, file, 0);
  CHECK(word != MAP_FAILED);
  return word;
}

static void Mappings(void) {
  enum { kBoth = PROT_READ | PROT_WRITE };
  uint32_t* shared = MapFile(kBoth, MAP_SHARED);
  uint32_t* seen = MapFile(PROT_READ, MAP_SHARED);
  uint32_t* copy = MapFile(kBoth, MAP_PRIVATE);
  uint32_t* constant = MapFile(PROT_READ, MAP_PRIVATE);
  CHECK_INT(Meets((Waiting){shared, FUTEX_WAIT}, seen, FUTEX_WAKE), 1);
  CHECK_INT(Meets((Waiting){constant, FUTEX_WAIT}, shared, FUTEX_WAKE), 1);
  CHECK_INT(Meets((Waiting){shared, FUTEX_WAIT}, constant, FUTEX_WAKE), 1);
  CHECK_INT(Meets((Waiting){shared, FUTEX_WAIT}, copy, FUTEX_WAKE), 0);
  Ok("mappings of a file");
  shared[1] = 5;
  CHECK_INT(copy[1], 0);
  CHECK_INT(mprotect(copy, kPage, PROT_READ), 0);
  CHECK_ERR(Call(copy, FUTEX_WAKE, 1, NULL), EFAULT);  // nobody can change it any more
  Ok("a page of its own");
}

static int IsPresent(void* memory) {
  unsigned char present = 0;
  CHECK_INT(mincore(memory, kPage, &present), 0);
  return present & 1;
}

static uint32_t* inherited;
static void LooksForPage(void* want) { CHECK_INT(IsPresent(inherited), (int)(long)want); }

static void Presence(void) {
  inherited = (uint32_t*)Pages(1);
  CHECK_INT(Call(inherited, FUTEX_WAKE_PRIVATE, 1, NULL), 0);
  CHECK_INT(IsPresent(inherited), 0);
  CHECK_INT(Call(inherited, FUTEX_WAKE, 1, NULL), 0);
  CHECK_INT(IsPresent(inherited), 1);
  CHECK_INT(RunChild(LooksForPage, (void*)1L), 0);  // what was only read is not brought along
  Ok("a shared operation writes");
}

static void Refused(void) {
  uint32_t* shared = MapFile(PROT_READ | PROT_WRITE, MAP_SHARED);
  uint32_t* seen = MapFile(PROT_READ, MAP_SHARED);
  CHECK_INT(Call(seen, FUTEX_WAKE, 1, NULL), 0);
  CHECK_ERR(Call(seen, FUTEX_LOCK_PI, 0, NULL), EFAULT);
  CHECK_ERR(Call(seen, FUTEX_TRYLOCK_PI, 0, NULL), EFAULT);
  CHECK_INT(Call(seen, FUTEX_CMP_REQUEUE, 0, seen + 1), 0);
  CHECK_ERR(Call(seen, FUTEX_CMP_REQUEUE_PI, 1, seen + 1), EFAULT);
  CHECK_ERR(Call(shared, FUTEX_WAKE_OP, 1, seen + 1), EFAULT);
  CHECK_ERR(Call(seen, FUTEX_UNLOCK_PI, 0, NULL), EPERM);
  shared[0] = (uint32_t)syscall(SYS_gettid);
  CHECK_ERR(Call(seen, FUTEX_UNLOCK_PI, 0, NULL), EFAULT);
  const int kinds[] = {PROT_WRITE, PROT_EXEC, PROT_NONE, PROT_READ};
  for (int i = 0; i < 4; ++i) {
    uint32_t* word = mmap(NULL, kPage, kinds[i], MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (kinds[i] == PROT_WRITE) {
      CHECK_INT(Call(word, FUTEX_WAKE, 1, NULL), 0);
    } else {
      CHECK_ERR(Call(word, FUTEX_WAKE, 1, NULL), EFAULT);
    }
    CHECK_INT(Call(word, FUTEX_WAKE_PRIVATE, 1, NULL), 0);
  }
  const uint32_t* odd = (const uint32_t*)((const char*)Pages(1) + 1);
  CHECK_ERR(Call(odd, FUTEX_WAKE, 1, NULL), EINVAL);
  CHECK_ERR(Call(odd, FUTEX_UNLOCK_PI, 0, NULL), EPERM);
  Ok("refused");
}

static uint32_t alive, gate;
static char stack[16384];

static int Ends(void* unused) {
  (void)unused;
  while (__atomic_load_n(&gate, __ATOMIC_SEQ_CST) == 0) Call(&gate, FUTEX_WAIT_PRIVATE, 0, NULL);
  return 0;
}

static void WaitsForEnd(void* operation) {
  while (__atomic_load_n(&alive, __ATOMIC_SEQ_CST) != 0) {
    Call(&alive, (int)(long)operation, 1, NULL);
  }
}

// The word of CLONE_CHILD_CLEARTID wakes who waits in shared scope, and nobody else.
static void EndOfThread(void) {
  Sleeper shared, private;
  alive = 1;
  // Without a signal at its end: to a tracer one that is ignored counts, and wakes who sleeps.
  const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_CHILD_CLEARTID;
  const pid_t child = clone(Ends, stack + sizeof(stack), flags, NULL, NULL, NULL, &alive);
  CHECK(child > 0);
  StartSleeper(&shared, WaitsForEnd, (void*)(long)FUTEX_WAIT);
  StartSleeper(&private, WaitsForEnd, (void*)(long)FUTEX_WAIT_PRIVATE);
  __atomic_store_n(&gate, 1, __ATOMIC_SEQ_CST);
  Call(&gate, FUTEX_WAKE_PRIVATE, 1, NULL);
  int status = -1;
  CHECK_INT(waitpid(child, &status, __WALL), child);
  CHECK_INT(status, 0);
  CHECK_INT(pthread_join(shared.thread, NULL), 0);
  CHECK_INT(Call(&alive, FUTEX_WAKE_PRIVATE, 1, NULL), 1);  // it sleeps still
  CHECK_INT(pthread_join(private.thread, NULL), 0);
  Ok("the end of a thread");
}

int main(void) {
  file = TempFile(0);
  CHECK_INT(ftruncate(file, kPage), 0);
  Scopes();
  Mappings();
  Presence();
  Refused();
  EndOfThread();
  return Finish();
}
