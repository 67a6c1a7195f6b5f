// SPDX-License-Identifier: Apache-2.0
//
// See tmpfs_options.h.
#include "guest/fs/tmpfs_options.h"

#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {

constexpr uint64_t kKiB = 1024;
constexpr uint32_t kModeBits = 07777;
constexpr uint32_t kNoId = ~uint32_t{0};

// A part of the option text.
struct Piece {
  const char* text;
  size_t length;

  bool Is(const char* other) const {
    return strlen(other) == length && memcmp(text, other, length) == 0;
  }
};

// Takes digits of `base` off the front. Errors: EINVAL (none, or too large a number).
Result<uint64_t> TakeNumber(Piece& piece, unsigned base) {
  uint64_t value = 0;
  size_t at = 0;
  for (; at < piece.length; ++at) {
    const auto digit = static_cast<unsigned>(piece.text[at] - '0');
    if (digit >= base) {
      break;
    }
    if (__builtin_mul_overflow(value, uint64_t{base}, &value) ||
        __builtin_add_overflow(value, uint64_t{digit}, &value)) {
      return Error(EINVAL);
    }
  }
  if (at == 0) {
    return Error(EINVAL);
  }
  piece = {piece.text + at, piece.length - at};
  return value;
}

// All of the piece.
Result<uint64_t> Number(Piece piece, unsigned base) {
  const uint64_t value = TRY(TakeNumber(piece, base));
  return piece.length == 0 ? Result<uint64_t>(value) : Result<uint64_t>(Error(EINVAL));
}

// A number with k, m, g, t behind it. Errors: EINVAL.
Result<uint64_t> TakeAmount(Piece& piece) {
  uint64_t value = TRY(TakeNumber(piece, 10));
  constexpr char kSuffixes[] = "kmgt";
  const char suffix = piece.length > 0 ? static_cast<char>(piece.text[0] | 0x20) : '\0';
  for (size_t power = 1; power < sizeof(kSuffixes); ++power) {
    if (suffix != kSuffixes[power - 1]) {
      continue;
    }
    piece = {piece.text + 1, piece.length - 1};
    for (size_t i = 0; i < power; ++i) {
      if (__builtin_mul_overflow(value, kKiB, &value)) {
        return Error(EINVAL);
      }
    }
    break;
  }
  return value;
}

// "size": bytes, or per cent of memory.
Result<uint64_t> Pages(Piece piece, uint64_t total_pages) {
  const uint64_t amount = TRY(TakeAmount(piece));
  if (piece.Is("%")) {
    uint64_t scaled = 0;
    if (__builtin_mul_overflow(amount, total_pages, &scaled)) {
      return Error(EINVAL);
    }
    return scaled / 100;
  }
  if (piece.length != 0) {
    return Error(EINVAL);
  }
  return amount / proto::kPageBytes + (amount % proto::kPageBytes != 0 ? 1 : 0);
}

Result<uint64_t> Count(Piece piece) {
  const uint64_t count = TRY(TakeAmount(piece));
  return piece.length == 0 ? Result<uint64_t>(count) : Result<uint64_t>(Error(EINVAL));
}

Result<uint32_t> Id(Piece piece) {
  const uint64_t id = TRY(Number(piece, 10));
  return id < kNoId ? Result<uint32_t>(static_cast<uint32_t>(id)) : Result<uint32_t>(Error(EINVAL));
}

// Options of Linux's that change nothing here: inode numbers have 64 bits, nothing is swapped,
// pages are small.
bool IsWithoutEffect(Piece option) {
  for (const char* known : {"inode32", "inode64", "noswap", "huge=never", "mpol=default"}) {
    if (option.Is(known)) {
      return true;
    }
  }
  return false;
}

Status Apply(Piece name, Piece value, uint64_t total_pages, TmpfsOptions& options) {
  if (name.Is("size")) {
    options.pages = TRY(Pages(value, total_pages));
    options.has_pages = true;
  } else if (name.Is("nr_blocks")) {
    options.pages = TRY(Count(value));
    options.has_pages = true;
  } else if (name.Is("nr_inodes")) {
    options.inodes = TRY(Count(value));
    options.has_inodes = true;
  } else if (name.Is("mode")) {
    options.mode = static_cast<uint32_t>(TRY(Number(value, 8))) & kModeBits;
  } else if (name.Is("uid")) {
    options.uid = TRY(Id(value));
  } else if (name.Is("gid")) {
    options.gid = TRY(Id(value));
  } else {
    return Error(EINVAL);
  }
  return Ok();
}

size_t LengthUntil(const char* text, size_t most, char end) {
  size_t length = 0;
  while (length < most && text[length] != end && text[length] != '\0') {
    ++length;
  }
  return length;
}

}  // namespace

TmpfsOptions DefaultTmpfsOptions(uint64_t total_pages) {
  TmpfsOptions options;
  options.pages = options.inodes = total_pages / 2;
  return options;
}

Status ParseTmpfsOptions(const char* text, uint64_t total_pages, TmpfsOptions& options) {
  while (*text != '\0') {
    const Piece option{text, LengthUntil(text, ~size_t{0}, ',')};
    text += option.length + (text[option.length] == ',' ? 1 : 0);
    if (option.length == 0 || IsWithoutEffect(option)) {
      continue;
    }
    const Piece name{option.text, LengthUntil(option.text, option.length, '=')};
    if (name.length == option.length) {
      return Error(EINVAL);
    }
    const Piece value{name.text + name.length + 1, option.length - name.length - 1};
    TRY(Apply(name, value, total_pages, options));
  }
  return Ok();
}

size_t FormatTmpfsOptions(const TmpfsOptions& options, uint64_t total_pages, char* out,
                          size_t capacity) {
  const TmpfsOptions usual = DefaultTmpfsOptions(total_pages);
  size_t length = 0;
  out[0] = '\0';
  const auto add = [&](bool shown, const char* format, uint64_t value) {
    if (shown && length < capacity) {
      length += Format(out + length, capacity - length, format, value);
    }
  };
  add(options.pages != usual.pages, ",size=%luk", options.pages * (proto::kPageBytes / kKiB));
  add(options.inodes != usual.inodes, ",nr_inodes=%lu", options.inodes);
  add(options.mode != usual.mode, ",mode=%03lo", options.mode);
  add(options.uid != usual.uid, ",uid=%lu", options.uid);
  add(options.gid != usual.gid, ",gid=%lu", options.gid);
  return length < capacity ? length : capacity - 1;
}

}  // namespace fv::guest
