// SPDX-License-Identifier: Apache-2.0
//
// Each kind of thing that the kernel makes for a process, taken until there is no more: the end is
// an error (ENOMEM, EAGAIN, EMFILE, ...) or SIGKILL, for root as for others, never worse, and when
// the process is gone all memory is there again. To be quick, this process leaves little memory to
// them. On a host each hog stops after a few.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <time.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kOnAHost = 20, kMany = 1000000, kMib = 1 << 20, kOthersUid = 1000 };
enum { kLeft = kMib, kSlack = kMib / 2 };

static int on_a_host;
static long most;  // rounds of one hog
static char block[65536];

// One more: 0, or -1 with errno.
typedef int (*Take1)(long round);

static int MoreMemory(long round) {
  (void)round;
  unsigned char* memory =
      mmap(NULL, kMib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -1;
  FillPages(memory, kMib / kPage, 1);
  return 0;
}

static int MoreSharedMemory(long round) {
  (void)round;
  unsigned char* memory =
      mmap(NULL, kMib, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -1;
  FillPages(memory, kMib / kPage, 1);
  return 0;
}

// One page in each two megabytes: a page table for each.
static int MorePageTables(long round) {
  const size_t stride = 2 * kMib;
  char* at = (char*)0x100000000 + (size_t)round * stride;
  char* memory = mmap(at, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (memory == MAP_FAILED) return -1;
  return *(volatile char*)memory;
}

static int MoreMappings(long round) {
  (void)round;
  static int access = PROT_READ;
  access ^= PROT_READ ^ PROT_WRITE;  // no two neighbours join
  return mmap(NULL, kPage, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int MoreFile(long round) {
  static int fd = -1;
  if (fd < 0) fd = memfd_create("hog", 0);
  if (fd < 0) return -1;
  return pwrite(fd, block, sizeof(block), round * (off_t)sizeof(block)) > 0 ? 0 : -1;
}

static int MorePipes(long round) {
  (void)round;
  int ends[2];
  if (pipe2(ends, O_NONBLOCK) != 0) return -1;
  while (write(ends[1], block, sizeof(block)) > 0) {
  }
  return errno == EAGAIN ? 0 : -1;
}

static int MoreSocketData(long round) {
  (void)round;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) != 0) return -1;
  while (send(ends[1], block, 1000, 0) > 0) {
  }
  return errno == EAGAIN ? 0 : -1;
}

// Descriptors under way in messages: each message carries many of an open file that nobody else
// has.
static int MoreDescriptorsInFlight(long round) {
  (void)round;
  enum { kCarried = 250 };
  static int ends[2] = {-1, -1};
  if (ends[0] < 0 && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) != 0) return -1;
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(kCarried * sizeof(int))];
  } control;
  memset(&control, 0, sizeof(control));
  control.head.cmsg_len = CMSG_LEN(kCarried * sizeof(int));
  control.head.cmsg_level = SOL_SOCKET;
  control.head.cmsg_type = SCM_RIGHTS;
  int fds[kCarried];
  const int fd = eventfd(0, 0);
  if (fd < 0) return -1;
  for (int i = 0; i < kCarried; ++i) fds[i] = fd;
  memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
  struct iovec data = {block, 1};
  struct msghdr message = {.msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof(control)};
  ssize_t sent = sendmsg(ends[0], &message, 0);
  const int error = errno;
  close(fd);
  errno = error;
  if (sent < 0 && errno == EAGAIN) {  // this socket is full: the next one
    ends[0] = -1;
    return 0;
  }
  return sent < 0 ? -1 : 0;
}

static int MoreDescriptors(long round) {
  switch (round % 4) {
    case 0:
      return eventfd(0, 0) < 0 ? -1 : 0;
    case 1:
      return epoll_create1(0) < 0 ? -1 : 0;
    case 2:
      return timerfd_create(CLOCK_MONOTONIC, 0) < 0 ? -1 : 0;
    default:
      return open("/dev/null", O_RDONLY) < 0 ? -1 : 0;
  }
}

static int MoreQueuedSignals(long round) {
  (void)round;
  Block(SIGRTMIN);
  union sigval value = {.sival_int = 1};
  return sigqueue(getpid(), SIGRTMIN, value);
}

static int MoreTimers(long round) {
  (void)round;
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  timer_t timer;
  return timer_create(CLOCK_MONOTONIC, &event, &timer);
}

static void* Sleeps(void* arg) {
  for (;;) pause();
  return arg;
}

static int MoreThreads(long round) {
  (void)round;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  pthread_t thread;
  errno = pthread_create(&thread, &small, Sleeps, NULL);
  return errno == 0 ? 0 : -1;
}

static int MoreFiles(long round) {
  char name[64];
  snprintf(name, sizeof(name), "/tmp/fv_hog_%ld", round);
  int fd = open(name, O_CREAT | O_WRONLY, 0600);
  if (fd < 0) return -1;
  close(fd);
  return 0;
}

static void RemoveFiles(void) {
  char name[64];
  for (long i = 0; snprintf(name, sizeof(name), "/tmp/fv_hog_%ld", i) > 0 && unlink(name) == 0;) {
    ++i;
  }
}

static const struct {
  const char* name;
  Take1 take;
} kHogs[] = {
    {"memory", MoreMemory},
    {"shared memory", MoreSharedMemory},
    {"page tables", MorePageTables},
    {"mappings", MoreMappings},
    {"file", MoreFile},
    {"pipes", MorePipes},
    {"socket data", MoreSocketData},
    {"descriptors in flight", MoreDescriptorsInFlight},
    {"descriptors", MoreDescriptors},
    {"queued signals", MoreQueuedSignals},
    {"timers", MoreTimers},
    {"threads", MoreThreads},
    {"files", MoreFiles},
};

static int IsRefusal(int error) {
  return error == ENOMEM || error == EAGAIN || error == EMFILE || error == ENFILE ||
         error == ENOSPC || error == ETOOMANYREFS || error == ENOBUFS;
}

static void SetScore(const char* text) {
  if (on_a_host) return;  // root in a container may not lower it
  int fd = open("/proc/self/oom_score_adj", O_WRONLY);
  CHECK_INT(write(fd, text, strlen(text)), strlen(text));
  CHECK_INT(close(fd), 0);
}

static void TakeAll(void* arg) {
  Take1 take = *(Take1*)arg;
  for (long round = 0; round < most; ++round) {
    if (take(round) == 0) continue;
    CHECK(IsRefusal(errno));
    if (!IsRefusal(errno)) Say("errno %d in round %ld", errno, round);
    break;
  }
  _exit(ChildResult());
}

static void Hog(void* arg) {
  SetScore("0");
  TakeAll(arg);
}

// The score first: who changes user may no longer write to his own files in /proc.
static void HogAsOther(void* arg) {
  SetScore("0");
  CHECK_INT(setgid(kOthersUid), 0);
  CHECK_INT(setuid(kOthersUid), 0);
  TakeAll(arg);
}

// Root may have as many descriptors as there is memory for.
static void HogWithoutLimits(void* arg) {
  const struct rlimit none = {1 << 20, 1 << 20};
  CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
  Hog(arg);
}

static long FreeMemory(void) {
  struct sysinfo info;
  CHECK_INT(sysinfo(&info), 0);
  return (long)info.freeram;
}

// Takes all memory but a little, and is spared when that is gone.
static void TakeMost(void) {
  SetScore("-1000");
  const size_t pages = (size_t)(FreeMemory() - kLeft) / kPage;
  unsigned char* memory = Pages(pages);
  CHECK_INT(madvise(memory, pages * kPage, MADV_DONTFORK), 0);
  FillPages(memory, pages, 1);
}

// Runs a hog to its end, which is a refusal or SIGKILL.
static void Run(void (*hog)(void*), const Take1* take) {
  int status = RunChild(hog, (void*)take);
  CHECK(status == 0 || status == 128 + SIGKILL);
  RemoveFiles();
}

int main(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  on_a_host = strstr(name.release, "forkvisor") == NULL;
  most = on_a_host ? kOnAHost : kMany;
  if (!on_a_host) TakeMost();
  const long before = FreeMemory();
  for (size_t i = 0; i < sizeof(kHogs) / sizeof(kHogs[0]); ++i) {
    Run(Hog, &kHogs[i].take);
    Run(HogAsOther, &kHogs[i].take);
    if (!on_a_host) Run(HogWithoutLimits, &kHogs[i].take);
    // Caches keep a little: slabs, spare page tables.
    const long lost = on_a_host ? 0 : before - FreeMemory();
    if (lost > kSlack) Say("FAIL %s: %ld bytes lost", kHogs[i].name, lost);
    Ok(kHogs[i].name);
  }
  return Finish();
}
