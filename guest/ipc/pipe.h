// SPDX-License-Identifier: Apache-2.0
//
// Pipes and fifos (pipe(7), fifo(7)). PipeRing is the pure part: a ring of page buffers, each a
// frame with offset and length, so that splice can move frames. Pipe adds the two ends' counts and
// wait queues.
// Locking: pipe->mutex would guard all of it. Reference counted by the inode.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/file.h"
#include "guest/fs/inode.h"
#include "guest/lib/result.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

inline constexpr size_t kPipeDefaultPages = 16;
// The most that F_SETPIPE_SZ gives without privilege: /proc/sys/fs/pipe-max-size.
inline uint64_t pipe_max_bytes = uint64_t{1024} * 1024;
inline constexpr size_t kPipeBuf = 4096;  // PIPE_BUF: writes up to here are atomic

// O_DIRECT: each write of up to PIPE_BUF is a packet of its own.
enum class PipeMode : uint32_t { kStream = 0, kPacket };

// Whose frame it is: the pipe's, or a user's page that vmsplice(2) pinned.
enum class PipeFrame : uint32_t { kOwn = 0, kPinned };

// A page of pipe data.
struct PipePage {
  void* data = nullptr;  // one frame, allocated with its first byte, or pinned
  uint32_t offset = 0;
  uint32_t length = 0;
  PipeMode mode = PipeMode::kStream;
  PipeFrame frame = PipeFrame::kOwn;
};

class PipeRing {
 public:
  PipeRing() = default;
  PipeRing(const PipeRing&) = delete;
  PipeRing& operator=(const PipeRing&) = delete;
  ~PipeRing();
  // Errors: ENOMEM.
  Status Init(size_t pages);

  size_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }
  bool full() const { return count_ == slots_; }
  size_t free_slots() const { return slots_ - count_; }
  size_t capacity() const { return slots_ * 4096; }
  // A write of `bytes`, at most kPipeBuf, fits whole: into a free slot, or, if it is no packet,
  // behind the last data. Fill then moves something.
  bool RoomFor(size_t bytes, PipeMode mode = PipeMode::kStream) const;
  // Takes what fits. Errors: ENOMEM, EFAULT when nothing was moved.
  Result<size_t> Fill(IoBuffer& from, PipeMode mode = PipeMode::kStream);
  // Takes the user's pages themselves, a slot for each piece: what the user writes to them later is
  // seen by the reader, what others write is not (vmsplice). Errors: ENOMEM, EFAULT when nothing
  // was moved.
  Result<size_t> FillPinned(IoBuffer& from);
  // Gives what is there; what of a slot cannot be given whole stays. Errors: EFAULT when nothing
  // was moved.
  Result<size_t> Drain(IoBuffer& to);
  // Like Drain, but keeps the data (tee). `skip` bytes are passed over first.
  Result<size_t> Peek(IoBuffer& to, size_t skip);
  // Errors: EBUSY (does not hold what is in it), ENOMEM.
  Status Resize(size_t pages);

 private:
  PipePage& At(size_t index) { return pages_[(head_ + index) % slots_]; }
  // Bytes that a write may add behind the last page's data; none behind a packet.
  size_t TailRoom() const;
  void DropFirst();

  PipePage* pages_ = nullptr;
  size_t slots_ = 0;
  size_t head_ = 0;
  size_t count_ = 0;  // pages in use
  size_t bytes_ = 0;
  void* spare_ = nullptr;  // one freed page kept for the next write
};

struct Pipe {
  PipeRing* ring = nullptr;  // while an end is open
  WaitQueue readers;         // woken by data and by the last writer's close
  WaitQueue writers;         // woken by room and by the last reader's close
  uint32_t reader_count = 0;
  uint32_t writer_count = 0;
  // Somebody polled it: every write wakes, which edge-triggered epoll depends on (Linux does so
  // too).
  bool polled = false;
  // Opens so far: a fifo's open waits until the other count has moved.
  uint64_t reader_opens = 0;
  uint64_t writer_opens = 0;
};

// pipe2(2): `flags` of O_NONBLOCK, O_DIRECT. Errors: ENOMEM.
struct PipeEnds {
  Ref<File> reader;
  Ref<File> writer;
};
Result<PipeEnds> MakePipe(uint32_t flags);
// The inode of a fifo; `mode` with its type. Errors: ENOMEM.
Result<Ref<Inode>> MakeFifoInode(Superblock& superblock, uint32_t mode);
// The pipe behind a pipe's or fifo's open file, else nullptr (splice, tee).
Pipe* PipeOf(File& file);

}  // namespace fv::guest
