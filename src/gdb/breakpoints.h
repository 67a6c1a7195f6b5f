// SPDX-License-Identifier: Apache-2.0
//
// Breakpoint instructions in guest memory. An address in the kernel's window is one byte there. An
// address below it means the debugged program's code: the byte goes into every frame that an
// address space of this program shows there, also into the page of the file that none has touched
// yet, and Sync puts it where frames have come since. Frames of code are shared: whoever else maps
// the file's page will meet the byte (PatchedAt).
//
// A frame may be freed and used again while its byte stands there. So a patch remembers what the
// frame was, and is forgotten, its byte untouched, when the frame has become another.
//
// While the guest stands still only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "src/gdb/guest_view.h"
#include "vmm/guest_memory.h"

namespace fv::gdb {

class Breakpoints {
 public:
  Breakpoints(const GuestView& view, vmm::GuestMemory& memory, uint8_t instruction)
      : view_(view), memory_(memory), instruction_(instruction) {}

  // The program whose code addresses below the kernel's window mean: an executable, as
  // GuestView::ExecutableOf has it. 0: not known, and they mean nothing.
  void SetProgram(proto::GuestPtr executable) { program_ = executable; }
  proto::GuestPtr program() const { return program_; }

  // False: not in the kernel's window, nor an address of programs. One that no frame shows yet is
  // fine.
  bool Insert(uint64_t address);
  // False if it was not there.
  bool Remove(uint64_t address);
  void RemoveAll();
  // After the guest has run: frames that came, frames that went.
  void Sync();
  // Takes every byte out, until the next Sync.
  void TakeOut();

  bool any() const { return !entries_.empty(); }
  bool Has(uint64_t address) const { return entries_.count(address) != 0; }
  // A byte of ours is at this physical address.
  bool PatchedAt(uint64_t gpa) const { return patches_.count(gpa) != 0; }
  // Takes one byte of ours away for a moment, and puts it back.
  void Lift(uint64_t gpa);
  void PutBack(uint64_t gpa);
  // Makes bytes that were read at `gpa` what they are without breakpoints.
  void Hide(uint64_t gpa, std::string& bytes) const;
  // `bytes` were written at `gpa`, over ours: they are what stands there without them.
  void NoteWritten(uint64_t gpa, const std::string& bytes);

 private:
  struct Patch {
    uint64_t address;  // of the breakpoint that it belongs to
    uint8_t original;
    proto::FrameRecord frame;
  };
  struct Entry {
    std::optional<uint8_t> original;  // as soon as a frame has shown it
  };

  void SyncOne(uint64_t address, Entry& entry);
  void PatchFrame(uint64_t gpa, uint64_t address, Entry& entry);
  bool StillOurs(uint64_t gpa, const Patch& patch) const;

  const GuestView& view_;
  vmm::GuestMemory& memory_;
  const uint8_t instruction_;
  proto::GuestPtr program_ = 0;
  std::map<uint64_t, Entry> entries_;  // by address
  std::map<uint64_t, Patch> patches_;  // by guest-physical address
};

}  // namespace fv::gdb
