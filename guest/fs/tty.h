// SPDX-License-Identifier: Apache-2.0
//
// Tty: a terminal as programs have it: the line discipline with its waiters, the window size, the
// session that it controls and the foreground group. Behind it is a driver: the console
// (console.cc) or a pair of pseudo-terminals (pty.h). Open files are TtyFiles (tty_file.cc).
// Invariant: a session has at most one Tty; a process has it as its controlling terminal while
// CurrentHasTty() holds (task_hooks.h). Reference counted; the console is never freed.
// Locking: a tty lock would guard all of it; one vCPU needs none.
#pragma once

#include <asm/termios.h>

#include <cstddef>
#include <cstdint>

#include "guest/fs/dentry.h"
#include "guest/fs/line_discipline.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

class Mm;

// Standard output and error of the console are streams of their own at the host; every other driver
// has one output.
enum class Stream : uint8_t { kInput, kOutput, kError };

class Tty : public EchoSink {
 public:
  Tty(const Tty&) = delete;
  Tty& operator=(const Tty&) = delete;
  void AddRef() { ++refs_; }
  void Release();

  LineDiscipline line;
  WaitQueue readers;
  WaitQueue writers;
  struct winsize size {};
  uint32_t foreground = 0;   // process group; 0: none
  uint32_t session = 0;      // 0: it is nobody's controlling terminal
  bool input_ended = false;  // nothing more comes: a read gives what is there, then 0
  bool exclusive = false;    // TIOCEXCL: EBUSY for who opens it without CAP_SYS_ADMIN
  bool input_is_tty = true;  // else bytes come as they are (the host's standard input is a file)
  uint32_t hang_ups = 0;     // files that were open at one are dead: reads give 0, writes fail

  // Its number (st_rdev of its inode).
  virtual uint64_t device() const = 0;
  // ---- The driver --------------------------------------------------------------------------
  // Takes in what the other side has sent.
  virtual void Pull() {}
  // Somebody is about to wait for input; and has stopped to.
  virtual void BeginWait() {}
  virtual void EndWait() {}
  // A reader has taken input away.
  virtual void InputTaken() {}
  // There will never be input again: the master of a pseudo-terminal was closed.
  virtual bool OtherSideGone() const { return false; }
  // How many bytes Transmit takes now, 0 while output is stopped.
  virtual size_t WriteRoom() const = 0;
  virtual void Transmit(const uint8_t* bytes, size_t count, Stream stream) = 0;
  // The settings are new; `old` were before.
  virtual void SettingsChanged(const struct termios&) {}
  virtual void FlowChanged() {}
  // TIOCPKT_FLUSHREAD or TIOCPKT_FLUSHWRITE or both: queues were flushed (ioctl_tty(2)).
  virtual void Flushed(uint8_t) {}
  // An open file came or went.
  virtual void Opened() {}
  virtual void Closed() {}
  // What its session's foreground group is told when the leader exits.
  virtual bool ContinuesAtExit() const { return true; }

  // ---- For files and ioctls ----------------------------------------------------------------
  // One byte from the other side: signals go to the foreground group. The caller wakes readers.
  void TakeByte(uint8_t byte);
  bool Satisfies(size_t wanted) const;
  // Sleeps until a read of `wanted` bytes can go on. Errors: ETIMEDOUT, kErestartSys.
  Status WaitForInput(uint64_t deadline_ns, size_t wanted);
  void ChangeFlow(OutputFlow flow);
  void Resize(const struct winsize& new_size);
  // Nobody's terminal any more, dead for whoever has it open: the session's leader gets SIGHUP and
  // SIGCONT.
  void HangUp();
  // Job control: a process in the background of the session is about to read (SIGTTIN) or to
  // change or write to it (SIGTTOU). Errors: EIO, kErestartSys (the signal was sent).
  Status CheckForeground(int signal) const;
  // The current process, a session leader, takes it as its controlling terminal.
  void MakeControlling();
  // Takes it from its session, without a signal.
  void LeaveSession();

 protected:
  Tty() = default;
  ~Tty() = default;
  virtual void Destroy() {}
  // Puts it among the terminals that may control a session, in order of device().
  void Register();
  void Unregister();

 private:
  friend Tty* NextTty(const Tty* after);
  uint32_t refs_ = 1;
  Tty* next_ = nullptr;
};

// The registered terminals; after nullptr the first, after the last nullptr.
Tty* NextTty(const Tty* after);
// nullptr: session `sid` has none. Valid while nobody sleeps.
Tty* TtyOfSession(uint32_t sid);
// The controlling terminal of the current process, or nullptr.
Tty* CurrentTty();
// The session leader `sid` leaves its terminal, by exit(2) or TIOCNOTTY: the session loses it.
enum class LeaveReason { kExit, kGivenUp };
void LeaveTtyOfSession(uint32_t sid, LeaveReason reason);

// Which side of a pseudo-terminal an ioctl came by.
enum class TtyEnd : uint8_t { kSlave, kMaster };
// The ioctl(2)s of a terminal (ioctl_tty(2)). In tty_ioctl.cc.
Result<uint64_t> TtyIoctl(Tty& tty, TtyEnd end, uint32_t command, uint64_t argument, Mm& mm);

// An open terminal. Errors: EBUSY (exclusive), ENOMEM.
Result<Ref<File>> MakeTtyFile(Ref<Dentry> dentry, uint32_t flags, Ref<Tty> tty, Stream stream);

}  // namespace fv::guest
