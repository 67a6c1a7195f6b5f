// SPDX-License-Identifier: Apache-2.0
//
// LineDiscipline: terminal input between the wire and read(2) (termios(3)): canonical lines with
// editing, raw bytes, signal characters, ^S and ^Q. Pure: no waiting; what is to be shown of the
// input goes to an EchoSink, byte by byte and before output processing. Invariant: the first
// committed() bytes are readable; in canonical mode the rest is the line that is being edited.
#pragma once

#include <asm/termbits.h>

#include <cstddef>
#include <cstdint>

#include "guest/fs/io_buffer.h"

namespace fv::guest {

// Shows what is typed.
class EchoSink {
 public:
  virtual void Echo(uint8_t byte) = 0;
  // Where the next byte will stand, for erasing a tab.
  virtual unsigned Column() const = 0;

 protected:
  ~EchoSink() = default;
};

// Output goes on, or waits for the start character (termios(3), IXON) or for TCOON.
enum class OutputFlow : uint8_t { kRunning, kStopped };

class LineDiscipline {
 public:
  static constexpr size_t kCapacity = 8192;
  static constexpr size_t kLongestLine = 4096;  // with its newline (termios(3))

  constexpr LineDiscipline() = default;
  // Linux's settings of a fresh terminal. `echo` outlives the discipline; null: nothing is shown.
  void Reset(EchoSink* echo = nullptr);

  const struct termios& settings() const { return settings_; }
  // tcsetattr(3): switching ICANON makes what was typed readable.
  void SetSettings(const struct termios& settings);

  // A byte from the wire. Returns the signal that it stands for, or 0.
  int Input(uint8_t byte);
  // A byte that is data whatever it is (input that does not come from a terminal).
  void InputRaw(uint8_t byte);
  size_t room() const { return kCapacity - count_; }
  // A line that is longer than the buffer, which nobody can read: what follows is lost, but its
  // end.
  bool Overflows() const { return Canonical() && committed_ == 0; }
  bool Canonical() const { return (settings_.c_lflag & ICANON) != 0; }

  OutputFlow flow() const { return flow_; }
  void SetFlow(OutputFlow flow) { flow_ = flow; }

  // Bytes that read(2) may have now; a pending end of file counts as readable().
  size_t committed() const { return committed_; }
  bool readable() const { return committed_ > 0; }
  // The same without the ends of file in between (FIONREAD).
  size_t BytesToRead() const;
  // A read that wants `wanted` bytes need not wait (VMIN in raw mode).
  bool Satisfies(size_t wanted) const;
  // One line, or what is there in raw mode. Returns how many; 0 for an end-of-file character.
  size_t Read(IoBuffer& to);
  // tcflush(3), and what a signal character does.
  void Flush();

 private:
  bool Local(uint32_t flag) const { return (settings_.c_lflag & flag) != 0; }
  bool FromWire(uint32_t flag) const { return (settings_.c_iflag & flag) != 0; }
  bool Is(uint8_t byte, unsigned index) const {
    return settings_.c_cc[index] != 0 && settings_.c_cc[index] == byte;
  }
  int SignalOf(uint8_t byte) const;
  bool TakeFlow(uint8_t byte);
  int TakeSignal(uint8_t byte, int signal);
  void InputLine(uint8_t byte);
  // In line_editing.cc.
  bool Edit(uint8_t byte);
  uint8_t DropCharacter();
  void EraseWord();
  void EraseLine(uint8_t byte);
  void Reprint(uint8_t byte);
  void ShowRaw(uint8_t byte);
  void ShowCharacter(uint8_t byte);
  void ShowErased(uint8_t byte);
  void ShowErasedTab();
  bool InCaret(uint8_t byte) const;
  void Put(uint8_t byte);
  void CommitLine();
  void CommitEndOfFile();
  // A set bit: the byte at this index ends a line; an end-of-file byte is not copied out.
  bool Marked(size_t index) const { return (marks_[index / 64] >> index % 64 & 1) != 0; }
  void SetMark(size_t index);
  void ClearMark(size_t index);
  // Readable bytes that lie in one piece from the head on and end no line, at most `most`.
  size_t Run(size_t most) const;
  void Drop(size_t count);
  size_t IndexOf(size_t i) const { return (head_ + i) % kCapacity; }

  EchoSink* echo_ = nullptr;
  struct termios settings_ {};
  OutputFlow flow_ = OutputFlow::kRunning;
  unsigned line_column_ = 0;  // where the line that is edited began
  size_t head_ = 0;
  size_t count_ = 0;
  size_t committed_ = 0;
  bool literal_next_ = false;
  uint8_t data_[kCapacity] = {};
  uint64_t marks_[kCapacity / 64] = {};
};

}  // namespace fv::guest
