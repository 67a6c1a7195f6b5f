// SPDX-License-Identifier: Apache-2.0
//
// What programs see of System V IPC on x86-64 (sysvipc(7), <sys/ipc.h>, <sys/sem.h>, <sys/shm.h>,
// <sys/msg.h>): structures, commands, flags, limits. Own definitions, because <linux/shm.h> pulls
// in the C library.
#pragma once

#include <cstdint>

namespace fv::guest {

inline constexpr int kIpcPrivate = 0;
enum IpcFlag : uint32_t { kIpcCreat = 01000, kIpcExcl = 02000, kIpcNoWait = 04000 };
enum IpcCommand : int { kIpcRmid = 0, kIpcSet = 1, kIpcStat = 2, kIpcInfo = 3 };

struct IpcPermAbi {  // struct ipc64_perm
  int32_t key;
  uint32_t uid, gid;    // owner
  uint32_t cuid, cgid;  // creator
  uint32_t mode;
  uint16_t seq;
  uint16_t pad0;
  uint32_t pad1;
  uint64_t unused[2];
};
static_assert(sizeof(IpcPermAbi) == 48);

// ---- Semaphores --------------------------------------------------------------------------------
enum SemCommand : int {
  kSemGetPid = 11,
  kSemGetVal,
  kSemGetAll,
  kSemGetNcnt,
  kSemGetZcnt,
  kSemSetVal,
  kSemSetAll,
  kSemStat,
  kSemInfo,
  kSemStatAny,
};
inline constexpr int kSemUndo = 0x1000;
inline constexpr int kSemMni = 32000;    // sets
inline constexpr int kSemMsl = 32000;    // semaphores in a set
inline constexpr int kSemOpm = 500;      // operations of one call
inline constexpr int kSemVmx = 32767;    // largest value
inline constexpr int kSemAem = kSemVmx;  // largest adjustment at exit

struct SemOp {  // struct sembuf
  uint16_t number;
  int16_t change;
  int16_t flags;
};
struct SemStatAbi {  // struct semid64_ds
  IpcPermAbi perm;
  int64_t otime, unused1;
  int64_t ctime, unused2;
  uint64_t count;
  uint64_t unused3[2];
};
static_assert(sizeof(SemStatAbi) == 104);
struct SemInfoAbi {  // struct seminfo
  int32_t map, mni, mns, mnu, msl, opm, ume, usz, vmx, aem;
};

// ---- Shared memory -----------------------------------------------------------------------------
enum ShmCommand : int {
  kShmLock = 11,
  kShmUnlock,
  kShmStat,
  kShmInfo,
  kShmStatAny,
};
enum ShmGetFlag : uint32_t { kShmHugeTlb = 04000, kShmNoReserve = 010000 };
enum ShmAtFlag : uint32_t {
  kShmReadOnly = 010000,
  kShmRound = 020000,
  kShmRemap = 040000,
  kShmExec = 0100000,
};
enum ShmMode : uint32_t { kShmDest = 01000, kShmLocked = 02000 };  // beside the permission bits
inline constexpr int kShmMni = 4096;
inline constexpr uint64_t kShmMax = ~uint64_t{0} - (uint64_t{1} << 24);  // bytes, and pages

struct ShmStatAbi {  // struct shmid64_ds
  IpcPermAbi perm;
  uint64_t bytes;
  int64_t atime, dtime, ctime;
  uint32_t cpid, lpid;
  uint64_t attached;
  uint64_t unused[2];
};
static_assert(sizeof(ShmStatAbi) == 112);
struct ShmLimitsAbi {  // struct shminfo64
  uint64_t max, min, mni, seg, all;
  uint64_t unused[4];
};
struct ShmUsageAbi {  // struct shm_info
  int32_t used_ids, pad;
  uint64_t total, resident, swapped, swap_attempts, swap_successes;
};

// ---- Messages ----------------------------------------------------------------------------------
enum MsgCommand : int { kMsgStat = 11, kMsgInfo, kMsgStatAny };
enum MsgFlag : int { kMsgNoError = 010000, kMsgExcept = 020000, kMsgCopy = 040000 };
inline constexpr int kMsgMni = 32000;
inline constexpr int kMsgMax = 8192;   // bytes of a message
inline constexpr int kMsgMnb = 16384;  // bytes of a queue

struct MsgStatAbi {  // struct msqid64_ds
  IpcPermAbi perm;
  int64_t stime, rtime, ctime;
  uint64_t bytes, messages, max_bytes;
  uint32_t lspid, lrpid;
  uint64_t unused[2];
};
static_assert(sizeof(MsgStatAbi) == 120);
struct MsgInfoAbi {  // struct msginfo
  int32_t pool, map, max, mnb, mni, ssz, tql;
  uint16_t seg;
};

}  // namespace fv::guest
