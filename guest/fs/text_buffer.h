// SPDX-License-Identifier: Apache-2.0
//
// TextBuffer: text that grows, for generated files. A failed allocation is remembered; the reader
// gets ENOMEM at the end instead of checks at every line.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fv::guest {

class TextBuffer {
 public:
  TextBuffer() = default;
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;
  ~TextBuffer();

  // The formats of guest/lib/print.h; at most 511 characters at once.
  void Add(const char* format, ...) __attribute__((format(printf, 2, 3)));
  void Put(const void* bytes, size_t count);
  // Spaces until the current line has `width` characters.
  void PadLine(size_t width);
  void AddOctal(uint32_t value);
  // `count` bytes to be filled by the caller; nullptr without memory.
  char* Grow(size_t count);
  void Clear();

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  void Shrink(size_t size) { size_ = size; }
  bool failed() const { return failed_; }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  size_t line_start_ = 0;
  bool failed_ = false;
};

}  // namespace fv::guest
