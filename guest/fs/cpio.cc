// SPDX-License-Identifier: Apache-2.0
//
// newc: a header of 6 + 13*8 hexadecimal characters, the name, the data; name and data are padded
// so that what follows starts at a multiple of 4 from the archive's start.
#include "guest/fs/cpio.h"

#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr size_t kMagicBytes = 6;
constexpr size_t kFieldBytes = 8;
constexpr char kTrailer[] = "TRAILER!!!";

enum Field {
  kInode,
  kMode,
  kUid,
  kGid,
  kLinks,
  kModified,
  kFileBytes,
  kDeviceMajorOfFile,
  kDeviceMinorOfFile,
  kDeviceMajor,
  kDeviceMinor,
  kNameBytes,
  kChecksum,
  kFieldCount
};
constexpr size_t kHeaderBytes = kMagicBytes + kFieldCount * kFieldBytes;

bool ParseHex(const uint8_t* text, uint32_t& out) {
  out = 0;
  for (size_t i = 0; i < kFieldBytes; ++i) {
    const uint8_t c = text[i];
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return false;
    }
    out = out << 4 | digit;
  }
  return true;
}

size_t Pad4(size_t offset) { return (offset + 3) & ~size_t{3}; }

void CutPrefix(CpioMember& member) {
  while (member.name_length > 0) {
    const bool dot = member.name[0] == '.' && (member.name_length == 1 || member.name[1] == '/');
    if (member.name[0] != '/' && !dot) {
      break;
    }
    ++member.name;
    --member.name_length;
  }
}

}  // namespace

Result<bool> CpioReader::Next(CpioMember& out) {
  // Archives may be followed by zeros up to a block's end.
  while (at_ < bytes_ && archive_[at_] == 0) {
    ++at_;
  }
  if (at_ == bytes_) {
    return false;
  }
  if (bytes_ - at_ < kHeaderBytes || (memcmp(archive_ + at_, "070701", kMagicBytes) != 0 &&
                                      memcmp(archive_ + at_, "070702", kMagicBytes) != 0)) {
    return Error(EINVAL);
  }
  uint32_t fields[kFieldCount];
  for (unsigned i = 0; i < kFieldCount; ++i) {
    if (!ParseHex(archive_ + at_ + kMagicBytes + i * kFieldBytes, fields[i])) {
      return Error(EINVAL);
    }
  }
  const size_t name_at = at_ + kHeaderBytes;
  const size_t name_bytes = fields[kNameBytes];
  if (name_bytes == 0 || name_bytes > bytes_ - name_at || archive_[name_at + name_bytes - 1] != 0) {
    return Error(EINVAL);
  }
  const size_t data_at = Pad4(name_at + name_bytes);
  if (data_at > bytes_ || fields[kFileBytes] > bytes_ - data_at) {
    return Error(EINVAL);
  }
  out.name = reinterpret_cast<const char*>(archive_ + name_at);
  out.name_length = name_bytes - 1;
  if (out.name_length == sizeof(kTrailer) - 1 &&
      memcmp(out.name, kTrailer, sizeof(kTrailer) - 1) == 0) {
    return false;
  }
  CutPrefix(out);
  out.data = archive_ + data_at;
  out.bytes = fields[kFileBytes];
  out.inode = fields[kInode];
  out.mode = fields[kMode];
  out.uid = fields[kUid];
  out.gid = fields[kGid];
  out.links = fields[kLinks];
  out.modified_s = fields[kModified];
  out.device_major = fields[kDeviceMajor];
  out.device_minor = fields[kDeviceMinor];
  const size_t next = Pad4(data_at + out.bytes);
  at_ = next < bytes_ ? next : bytes_;
  return true;
}

}  // namespace fv::guest
