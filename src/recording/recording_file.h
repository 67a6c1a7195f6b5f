// SPDX-License-Identifier: Apache-2.0
//
// Writes a recording. Records gather in a small buffer, which goes to the file when it is full,
// when Flush is called, and at the end; nothing is ever written twice. A file that cannot be
// written (disk full...) is left as it is, and the error kept: a recording never ends a run.
//
// Thread safety: one thread writes; bytes_in_file() and closed() are for everybody.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/recording.pb.h"
#include "vmm/fd.h"

namespace fv::recording {

// A new file at `path`, or a nameless temporary one if that is empty. Open for reading too. Error:
// InvalidArgument, with the errno text.
absl::StatusOr<vmm::Fd> CreateFile(const std::string& path);

class RecordingFile {
 public:
  // `file` is empty. The magic is in it afterwards, or status() says why not.
  explicit RecordingFile(vmm::Fd file);
  ~RecordingFile();
  RecordingFile(const RecordingFile&) = delete;
  RecordingFile& operator=(const RecordingFile&) = delete;

  void Append(const schema::Record& record);
  void Flush();
  // The last record has been appended: flushes; nothing may follow.
  void Close();

  // Appended, whether in the file yet or not.
  uint64_t bytes() const { return bytes_; }
  const absl::Status& status() const { return status_; }

  int fd() const { return file_.get(); }
  // Only whole records.
  uint64_t bytes_in_file() const { return in_file_.load(std::memory_order_acquire); }
  bool closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  void Write();

  vmm::Fd file_;
  std::vector<uint8_t> buffer_;
  uint64_t bytes_ = 0;
  absl::Status status_;
  std::atomic<uint64_t> in_file_ = 0;
  std::atomic<bool> closed_ = false;
};

}  // namespace fv::recording
