// SPDX-License-Identifier: Apache-2.0
//
// What a user program sees of signals: numbers, codes and the layouts of siginfo, sigaction,
// sigaltstack and of the frame on the user's stack (x86-64 Linux; signal(7), sigaction(2), and the
// System V ABI supplement). Own definitions with size assertions, because the UAPI headers and the
// C library's cannot both be included in a hosted test.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fv::guest {

inline constexpr int kSignalCount = 64;  // highest signal number

enum SignalNumber : int {
  kSigHup = 1,
  kSigInt,
  kSigQuit,
  kSigIll,
  kSigTrap,
  kSigAbrt,
  kSigBus,
  kSigFpe,
  kSigKill,
  kSigUsr1,
  kSigSegv,
  kSigUsr2,
  kSigPipe,
  kSigAlrm,
  kSigTerm,
  kSigStkflt,
  kSigChld,
  kSigCont,
  kSigStop,
  kSigTstp,
  kSigTtin,
  kSigTtou,
  kSigUrg,
  kSigXcpu,
  kSigXfsz,
  kSigVtalrm,
  kSigProf,
  kSigWinch,
  kSigIo,
  kSigPwr,
  kSigSys,
  kSigRtMin = 32,
  kSigRtMax = 64,
};

// A set of signals: bit signo-1.
using SigSet = uint64_t;
constexpr SigSet SigBit(int signo) { return SigSet{1} << (signo - 1); }
constexpr bool IsValidSignal(int signo) { return signo >= 1 && signo <= kSignalCount; }
inline constexpr SigSet kUnblockable = SigBit(kSigKill) | SigBit(kSigStop);
inline constexpr SigSet kSynchronous = SigBit(kSigSegv) | SigBit(kSigBus) | SigBit(kSigIll) |
                                       SigBit(kSigTrap) | SigBit(kSigFpe) | SigBit(kSigSys);
inline constexpr SigSet kStopSignals =
    SigBit(kSigStop) | SigBit(kSigTstp) | SigBit(kSigTtin) | SigBit(kSigTtou);

// si_code values.
inline constexpr int kSiUser = 0;
inline constexpr int kSiKernel = 0x80;
inline constexpr int kSiQueue = -1;
inline constexpr int kSiTimer = -2;
inline constexpr int kSiTkill = -6;
enum SigChldCode : int {
  kCldExited = 1,
  kCldKilled,
  kCldDumped,
  kCldTrapped,
  kCldStopped,
  kCldContinued,
};

struct SigInfo {
  int32_t signo = 0;
  int32_t error = 0;
  int32_t code = 0;
  int32_t pad0 = 0;
  union {
    struct {
      int32_t pid;
      uint32_t uid;
      uint64_t value;  // sigval
    } sender;          // kill, sigqueue
    struct {
      int32_t id;
      int32_t overrun;
      uint64_t value;
    } timer;
    struct {
      int32_t pid;
      uint32_t uid;
      int32_t status;
      int32_t pad;
      int64_t utime;  // clock ticks
      int64_t stime;
    } child;
    struct {
      uint64_t address;
      int16_t address_lsb;
    } fault;
    uint8_t bytes[112] = {};
  };
};
static_assert(sizeof(SigInfo) == 128 && offsetof(SigInfo, bytes) == 16);

enum SigActionFlag : uint64_t {
  kSaNoCldStop = 1,
  kSaNoCldWait = 2,
  kSaSigInfo = 4,
  kSaUnsupported = 0x400,
  kSaExposeTagBits = 0x800,
  kSaRestorer = 0x04000000,
  kSaOnStack = 0x08000000,
  kSaRestart = 0x10000000,
  kSaNoDefer = 0x40000000,
  kSaResetHand = 0x80000000,
};
inline constexpr uint64_t kSigDfl = 0;
inline constexpr uint64_t kSigIgn = 1;

struct SigAction {
  uint64_t handler;
  uint64_t flags;
  uint64_t restorer;
  SigSet mask;
};
static_assert(sizeof(SigAction) == 32);

inline constexpr int kSsOnStack = 1;
inline constexpr int kSsDisable = 2;
inline constexpr int kSsAutoDisarm = static_cast<int>(1u << 31);
inline constexpr uint64_t kMinSigStackBytes = 2048;

struct SigStack {
  uint64_t sp;
  int32_t flags;
  int32_t pad;
  uint64_t size;
};
static_assert(sizeof(SigStack) == 24);

// struct sigcontext (mcontext_t).
struct SigContext {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
  uint16_t cs, gs, fs, ss;
  uint64_t error_code, trap_number, old_mask, cr2, fpstate;
  uint64_t reserved[8];
};
static_assert(sizeof(SigContext) == 256);

inline constexpr uint64_t kUcFpXstate = 1;
inline constexpr uint64_t kUcSigcontextSs = 2;
inline constexpr uint64_t kUcStrictRestoreSs = 4;

struct UContext {
  uint64_t flags;
  uint64_t link;
  SigStack stack;
  SigContext mcontext;
  SigSet sigmask;
};
static_assert(offsetof(UContext, mcontext) == 40 && sizeof(UContext) == 304);

struct RtSigFrame {
  uint64_t return_address;  // sa_restorer
  UContext uc;
  SigInfo info;
};
static_assert(sizeof(RtSigFrame) == 440);

// Words that say how much of the FPU state stands in the frame (<asm/sigcontext.h>).
inline constexpr uint32_t kFpXstateMagic1 = 0x46505853;
inline constexpr uint32_t kFpXstateMagic2 = 0x46505845;
inline constexpr size_t kFxsaveBytes = 512;
inline constexpr size_t kFpSwReservedOffset = 464;  // in the FXSAVE image
struct FpxSwBytes {
  uint32_t magic1;
  uint32_t extended_size;
  uint64_t xfeatures;
  uint32_t xstate_size;
  uint32_t padding[7];
};
static_assert(sizeof(FpxSwBytes) == 48);

}  // namespace fv::guest
