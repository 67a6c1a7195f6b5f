// SPDX-License-Identifier: Apache-2.0
//
// TextBuffer: doubling.
#include "guest/fs/text_buffer.h"

#include <cstdarg>

#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/mm/slab.h"

namespace fv::guest {

namespace {

constexpr size_t kFirstCapacity = 1024;
constexpr size_t kMaxCapacity = size_t{4} * 1024 * 1024;
constexpr size_t kMaxPiece = 512;

}  // namespace

TextBuffer::~TextBuffer() { KernelFree(data_, capacity_); }

void TextBuffer::Clear() {
  size_ = 0;
  line_start_ = 0;
  failed_ = false;
}

char* TextBuffer::Grow(size_t count) {
  size_t wanted = capacity_ == 0 ? kFirstCapacity : capacity_;
  while (wanted < size_ + count) {
    wanted *= 2;
  }
  if (wanted > capacity_) {
    char* larger = wanted > kMaxCapacity ? nullptr : static_cast<char*>(KernelAllocate(wanted));
    if (larger == nullptr) {
      failed_ = true;
      return nullptr;
    }
    if (size_ > 0) {
      memcpy(larger, data_, size_);
    }
    KernelFree(data_, capacity_);
    data_ = larger;
    capacity_ = wanted;
  }
  char* place = data_ + size_;
  size_ += count;
  return place;
}

void TextBuffer::Put(const void* bytes, size_t count) {
  char* place = count == 0 ? nullptr : Grow(count);
  if (place == nullptr) {
    return;
  }
  memcpy(place, bytes, count);
  for (size_t i = count; i > 0; --i) {
    if (place[i - 1] == '\n') {
      line_start_ = size_ - count + i;
      break;
    }
  }
}

void TextBuffer::Add(const char* format, ...) {
  char piece[kMaxPiece];
  va_list arguments;
  va_start(arguments, format);
  const size_t length = FormatV(piece, sizeof(piece), format, arguments);
  va_end(arguments);
  Put(piece, length < sizeof(piece) ? length : sizeof(piece) - 1);
}

void TextBuffer::PadLine(size_t width) {
  while (!failed_ && size_ - line_start_ < width) {
    Put(" ", 1);
  }
}

void TextBuffer::AddOctal(uint32_t value) {
  char digits[12];
  size_t at = sizeof(digits);
  do {
    digits[--at] = static_cast<char>('0' + (value & 7));
    value >>= 3;
  } while (value != 0);
  Put(digits + at, sizeof(digits) - at);
}

}  // namespace fv::guest
