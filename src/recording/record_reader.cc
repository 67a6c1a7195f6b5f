// SPDX-License-Identifier: Apache-2.0
#include "src/recording/record_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/recording/crc32c.h"
#include "src/recording/file_format.h"

namespace fv::recording {
namespace {

uint32_t Word(std::span<const uint8_t> bytes) {
  return bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
}

}  // namespace

RecordReader::RecordReader(std::span<const uint8_t> bytes)
    : bytes_(bytes), rest_(bytes.subspan(kFileHeaderBytes)) {}

absl::StatusOr<RecordReader> RecordReader::Open(std::span<const uint8_t> bytes) {
  if (bytes.size() < kFileHeaderBytes || !std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) {
    return absl::InvalidArgumentError("this is no recording");
  }
  const uint32_t version = Word(bytes.subspan(kMagic.size()));
  if (version != kFileVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("a recording of version ", version, "; this program reads ", kFileVersion));
  }
  return RecordReader(bytes);
}

std::optional<schema::Record> RecordReader::Next() {
  tail_ = rest_.empty() ? Tail::kEnd : Tail::kCut;
  if (rest_.size() < kRecordHeaderBytes) return std::nullopt;
  const uint32_t size = Word(rest_);
  if (size > kMostRecordBytes) {
    tail_ = Tail::kDamaged;
    return std::nullopt;
  }
  if (rest_.size() - kRecordHeaderBytes < size) return std::nullopt;
  const std::span<const uint8_t> payload = rest_.subspan(kRecordHeaderBytes, size);
  schema::Record record;
  if (Crc32c(payload, Crc32c(rest_.first(sizeof(uint32_t)))) !=
          Word(rest_.subspan(sizeof(uint32_t))) ||
      !record.ParseFromArray(payload.data(), static_cast<int>(size))) {
    tail_ = Tail::kDamaged;
    return std::nullopt;
  }
  rest_ = rest_.subspan(kRecordHeaderBytes + size);
  tail_ = Tail::kNone;
  return record;
}

std::string RecordReader::HowItEnds() const {
  if (tail_ != Tail::kCut && tail_ != Tail::kDamaged) return "";
  return absl::StrCat("; it is ", tail_ == Tail::kCut ? "cut off" : "damaged", " at byte ",
                      position());
}

}  // namespace fv::recording
