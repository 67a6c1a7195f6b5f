// SPDX-License-Identifier: Apache-2.0
//
// Reads a recording from its bytes, which anybody may have made: lengths and checksums are believed
// only after a look.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "proto/recording.pb.h"

namespace fv::recording {

// Why there is no further record.
enum class Tail {
  kNone,     // there is one
  kEnd,      // nothing follows the last record
  kCut,      // the next record is not whole: it is being written, or its writer was killed
  kDamaged,  // the next record is not what its checksum says
};

class RecordReader {
 public:
  // `bytes` must stay. Error: InvalidArgument (no recording, or one of another version).
  static absl::StatusOr<RecordReader> Open(std::span<const uint8_t> bytes);

  // Nothing at the end of what is whole and right: tail() tells why.
  std::optional<schema::Record> Next();
  Tail tail() const { return tail_; }
  // For a message: "; it is cut off at byte N", "; it is damaged at..."; empty: neither.
  std::string HowItEnds() const;
  // Bytes up to the end of the last record returned.
  uint64_t position() const { return bytes_.size() - rest_.size(); }

 private:
  explicit RecordReader(std::span<const uint8_t> bytes);

  std::span<const uint8_t> bytes_;
  std::span<const uint8_t> rest_;
  Tail tail_ = Tail::kNone;
};

}  // namespace fv::recording
