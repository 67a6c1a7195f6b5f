// SPDX-License-Identifier: Apache-2.0
//
// Questions about a guest, as words: "ps", "maps 2", "pt 2 0x400000-0x500000", "frames 0x35e"...
// One function for each; docs/inspect.md lists them. The same words serve the command line and the
// socket of a running guest.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/query/listing.h"
#include "src/query/moment.h"
#include "src/query/words.h"

namespace fv::query {

// Errors: InvalidArgument (no such question, or its words are wrong), NotFound (no such task...).
absl::StatusOr<Answer> Ask(const Moment& moment, const Words& words);

// Whether the words make a question, without a guest: for errors before one is started.
absl::Status CheckQuestion(const Words& words);

// Of a question that wants more than page tables: InvalidArgument if the moment has no more.
absl::Status CheckContents(const Moment& moment, const std::string& question);

// What changed from one moment to a later one of the same guest.
absl::StatusOr<Answer> Difference(const Moment& before, const Moment& after);

// ---- One question each -------------------------------------------------------------------------

Answer Processes(const Moment& moment);
absl::StatusOr<Answer> Maps(const Moment& moment, uint32_t pid);

struct AddressRange {
  uint64_t start = 0;
  uint64_t end = proto::kUserEnd;  // exclusive
};
// The entries in the range, neighbours of the same kind as one row.
absl::StatusOr<Answer> PageTables(const Moment& moment, uint32_t pid, AddressRange range);
// The way of one address through the tables.
absl::StatusOr<Answer> Walk(const Moment& moment, uint32_t pid, uint64_t address);

// Frames by state.
Answer FrameStates(const Moment& moment);
// One frame: its record, and everybody who maps it. Error: NotFound (beyond RAM).
absl::StatusOr<Answer> OneFrame(const Moment& moment, uint64_t pfn);

Answer Slabs(const Moment& moment);
// The last `count` events.
Answer Events(const Moment& moment, uint64_t count);
// Where `pattern` (bytes, not empty) lies in the frames in use, every `step` bytes.
Answer Find(const Moment& moment, const std::string& pattern, unsigned step);

}  // namespace fv::query
