// SPDX-License-Identifier: Apache-2.0
#include "src/recording/recording_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/recording/crc32c.h"
#include "src/recording/file_format.h"
#include "vmm/file_bytes.h"

namespace fv::recording {
namespace {

constexpr size_t kBufferBytes = size_t{64} * 1024;
constexpr mode_t kMode = 0644;
constexpr mode_t kTemporaryMode = 0600;

void PutWord(uint32_t word, uint8_t* at) {
  for (unsigned i = 0; i < sizeof(word); ++i) at[i] = static_cast<uint8_t>(word >> (8 * i));
}

}  // namespace

absl::StatusOr<vmm::Fd> CreateFile(const std::string& path) {
  if (!path.empty()) {
    vmm::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, kMode));
    if (file.valid()) return file;
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  const char* const named = std::getenv("TMPDIR");
  const std::string folder = named == nullptr || *named == '\0' ? "/tmp" : named;
  vmm::Fd file(::open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, kTemporaryMode));
  if (file.valid()) return file;
  return absl::InvalidArgumentError(
      absl::StrCat("no temporary file in ", folder, ": ", std::strerror(errno)));
}

RecordingFile::RecordingFile(vmm::Fd file) : file_(std::move(file)) {
  buffer_.reserve(2 * kBufferBytes);
  buffer_.resize(kFileHeaderBytes);
  std::memcpy(buffer_.data(), kMagic.data(), kMagic.size());
  PutWord(kFileVersion, buffer_.data() + kMagic.size());
  bytes_ = kFileHeaderBytes;
  Flush();
}

RecordingFile::~RecordingFile() { Flush(); }

void RecordingFile::Append(const schema::Record& record) {
  const size_t size = record.ByteSizeLong();
  if (!status_.ok()) return;
  if (size > kMostRecordBytes) {
    status_ = absl::ResourceExhaustedError(
        absl::StrCat("a record of ", size, " bytes is more than a recording can have"));
    return;
  }
  const size_t at = buffer_.size();
  buffer_.resize(at + kRecordHeaderBytes + size);
  uint8_t* const head = buffer_.data() + at;
  PutWord(static_cast<uint32_t>(size), head);
  record.SerializeWithCachedSizesToArray(head + kRecordHeaderBytes);
  const uint32_t of_length = Crc32c({head, sizeof(uint32_t)});
  PutWord(Crc32c({head + kRecordHeaderBytes, size}, of_length), head + sizeof(uint32_t));
  bytes_ += kRecordHeaderBytes + size;
  if (buffer_.size() >= kBufferBytes) Flush();
}

void RecordingFile::Flush() {
  Write();
  buffer_.clear();
}

void RecordingFile::Write() {
  if (!status_.ok()) return;
  if (!vmm::WriteAll(file_.get(),
                     {reinterpret_cast<const char*>(buffer_.data()), buffer_.size()})) {
    status_ = absl::InternalError(
        absl::StrCat("the recording cannot be written: ", std::strerror(errno)));
    return;
  }
  in_file_.fetch_add(buffer_.size(), std::memory_order_release);
}

void RecordingFile::Close() {
  Flush();
  closed_.store(true, std::memory_order_release);
}

}  // namespace fv::recording
