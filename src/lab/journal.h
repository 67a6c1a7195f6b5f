// SPDX-License-Identifier: Apache-2.0
//
// The experiment on disk, so that it outlives its process: one line for what it is, then a line for
// each batch, written and synced when the batch is there. A line is "CRC32 JSON"; one that is cut
// off or damaged, and all behind it, are as if they had not been written. A process that is killed
// at any moment loses the batch that was running and no more.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/lab/batch.h"
#include "vmm/fd.h"

namespace fv::lab {

// What must be the same for batches to belong together, with a name for people: "matrix",
// "guest kernel", "machine".
using Identity = std::map<std::string, std::string>;

class Journal {
 public:
  // Opens `path`, or makes it. FailedPrecondition if it holds another experiment (says what
  // differs) or somebody writes it now; InvalidArgument if it is no journal; what open(2) says.
  static absl::StatusOr<Journal> Open(const std::string& path, const Identity& identity);

  // What was there, in the order of writing.
  const std::vector<Batch>& batches() const { return batches_; }
  // Returns when the batch is on disk. What write(2) and fsync(2) say.
  absl::Status Append(const Batch& batch);

 private:
  explicit Journal(vmm::Fd file) : file_(std::move(file)) {}

  absl::Status Load(const Identity& identity);
  absl::Status Write(const std::string& line);

  vmm::Fd file_;
  std::vector<Batch> batches_;
};

}  // namespace fv::lab
