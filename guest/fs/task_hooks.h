// SPDX-License-Identifier: Apache-2.0
//
// What fs and ipc need of the current task, implemented by guest/task (hosted tests fake it). All
// concern CurrentTask().
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/fd_table.h"
#include "guest/lib/pid.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"

namespace fv::guest {

struct Credentials;

// SIGPIPE and SIGXFSZ of a failed write, to the calling thread.
inline constexpr int kSignalPipe = 13;
inline constexpr int kSignalFileSize = 25;
void SignalCurrentTask(int signal);

// ---- Job control, for the tty ------------------------------------------------------------------
uint32_t CurrentTgid();
uint32_t CurrentPgid();
uint32_t CurrentSid();
bool CurrentIsSessionLeader();

// ---- Numbers of pid namespaces (guest/lib/pid.h) -----------------------------------------------
// The namespace of the current task, or the initial one; nullptr in hosted tests.
PidNamespace* CurrentPidNamespace();
// The id of the current process.
Ref<Pid> CurrentProcess();
// A process, group or session of the initial namespace as the current task calls it, and the other
// way round. 0: there is none, or it cannot be seen.
uint32_t PidSeenByCurrent(uint32_t id);
uint32_t PidNamedByCurrent(uint32_t number);

// ---- Job control of terminals ------------------------------------------------------------------
// Its session's terminal, if there is one (tty.h), is its controlling terminal: setsid() loses it,
// TIOCSCTTY or open(2) gains it.
bool CurrentHasTty();
void GainTty();
void LoseTty();
// Every process of the session loses it.
void ForgetTtyOfSession(uint32_t sid);
// The session's terminal, which has been taken away, hung up: SIGHUP and SIGCONT to its leader.
// When that exits, `foreground` gets them too.
void HangUpSession(uint32_t sid, uint32_t foreground);
// `signal` is blocked or ignored by the current thread.
bool CurrentIgnoresSignal(int signal);
bool IsOrphanedGroup(uint32_t pgid);
// A process group that exists and belongs to session `sid`.
bool GroupInSession(uint32_t pgid, uint32_t sid);
// SI_KERNEL signal to every process of the group; nothing if it is empty.
void SignalGroup(uint32_t pgid, int signal);

// ---- Signal mask of ppoll and pselect
// ------------------------------------------------------------ Sets the mask until the system call
// returns; the old one comes back after signal delivery.
void SetTemporarySignalMask(uint64_t mask);
// The call ends without a signal: the old mask comes back now.
void RestoreSignalMask();
// The call ends with EINTR because a signal is pending: the old mask comes back when a handler
// has been set up (it goes into the signal frame).
void RestoreSignalMaskAfterDelivery();

// A new descriptor of the current task. Errors: EMFILE, ENOMEM.
Result<uint64_t> AddFileToCurrent(Ref<File> file, CloseOnExecFlag cloexec);

const Credentials& CurrentCredentials();

// The kernel's random numbers, for /dev/urandom (guest/task/random.h).
void FillRandom(void* to, size_t bytes);

}  // namespace fv::guest
