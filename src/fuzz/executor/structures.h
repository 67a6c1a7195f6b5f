// SPDX-License-Identifier: Apache-2.0
//
// The structures that calls point to, each made of 64 bits (enum FvFuzzStructure) in the step's own
// memory.
//
// Part of runtime.h, included there once.

static const char* const strings[] = {
#define FV_S(text) text,
    FV_FUZZ_STRINGS(FV_S)
#undef FV_S
};

static char* Append(char* to, const char* text) {
  while (*text != 0) *to++ = *text++;
  return to;
}

// The string; a percent sign at its beginning is the task's folder in /proc.
static void PutString(char* to, uint64_t value) {
  const char* text = strings[(value & 0xFF) % (sizeof(strings) / sizeof(strings[0]))];
  if (*text == '%') {
    ++text;
    to = Append(to, "/proc/");
    const uint32_t pid = value >> 8 == 0 ? 0 : Load32(&shared->report.pids[(value >> 8) - 1]);
    uint32_t unit = 1000000000;
    while (unit > 1 && pid / unit == 0) unit /= 10;
    for (; unit != 0 && pid != 0; unit /= 10) *to++ = (char)('0' + pid / unit % 10);
    if (pid == 0) to = Append(to, "self");
  }
  *Append(to, text) = 0;
}

// A robust list (set_robust_list(2)) in the arena, where it stays: the head, an entry at 32 behind
// it, and its futex at 48, which the task owns.
static uint64_t PutRobust(uint64_t offset) {
  const uint64_t head = ARENA(offset);
  TryStore(head, head + 32);
  TryStore(head + 8, 16);
  TryStore(head + 16, 0);
  TryStore(head + 32, head);
  TryStore(head + 48, (uint64_t)RAW0(__NR_gettid));
  return head;
}

static uint64_t LimitOf(uint64_t half) {
  return (uint32_t)half == FV_FUZZ_NO_LIMIT ? ~0ull : (uint32_t)half;
}

// Those that are times, signals and what belongs to them.
static void PutSignal(uint64_t* words, unsigned kind, uint64_t value) {
  switch (kind) {
    case FV_FUZZ_SIGACTION: {
      const uint64_t handler = value >> 32 & 0xFF;
      words[0] = handler == FV_FUZZ_CATCH ? (uint64_t)Count : handler;
      words[1] = (uint32_t)value | FV_SA_RESTORER;
      words[2] = (uint64_t)Restorer;
      words[3] = value >> 40;
      break;
    }
    case FV_FUZZ_STACK:
      words[0] = ARENA((value & 0xFF) * FV_FUZZ_PAGE);
      words[1] = value >> 32;
      words[2] = (value >> 8 & 0xFF) * FV_FUZZ_PAGE;
      break;
    case FV_FUZZ_ITIMERSPEC:
      words[1] = (uint32_t)value;
      words[3] = value >> 32;
      break;
    case FV_FUZZ_ITIMERVAL:
      words[1] = (uint32_t)value / 1000;
      words[3] = (value >> 32) / 1000;
      break;
    case FV_FUZZ_SIGEVENT:
      words[0] = value;
      words[1] = (value >> 8 & 0xFF) | (value & 0xFF) << 32;
      words[2] = PID(value >> 16 & 7);
      break;
    case FV_FUZZ_SIGINFO:
      words[1] = (uint32_t)value;
      words[3] = value >> 32;
      break;
    default:
      words[0] = value;
  }
}

MAYBE_UNUSED static uint64_t Structure(unsigned task, unsigned place, unsigned kind,
                                       uint64_t value) {
  uint64_t* words = (uint64_t*)places[task].scratch[place];
  Fill(words, 0, SCRATCH_BYTES);
  switch (kind) {
    case FV_FUZZ_TIMESPEC:
      if (value == FV_FUZZ_NO_TIME) return 0;
      words[1] = value;
      break;
    case FV_FUZZ_OUTBUF:
      break;
    case FV_FUZZ_IOVEC:
      words[0] = ARENA((uint32_t)value);
      words[1] = value >> 32;
      break;
    case FV_FUZZ_RLIMIT:
      words[0] = LimitOf(value);
      words[1] = LimitOf(value >> 32);
      break;
    case FV_FUZZ_STRING:
      PutString((char*)words, value);
      break;
    case FV_FUZZ_ROBUST:
      return PutRobust(value);
    case FV_FUZZ_CAPS:
      words[0] = value;  // effective, permitted; nothing inheritable
      break;
    case FV_FUZZ_SCHED:
      words[0] = 48 | (value & 0xFF) << 32;               // size, policy
      words[1] = value >> 24 & 0xFF;                      // flags
      words[2] = (uint32_t)(int8_t)(value >> 16 & 0xFF);  // nice
      words[2] |= (value >> 8 & 0xFF) << 32;              // priority
      break;
    default:
      PutSignal(words, kind, value);
  }
  return (uint64_t)words;
}
