// SPDX-License-Identifier: Apache-2.0
//
// Format: the small printf of the kernel. Pure, so it is tested on the host.

#include <cstdint>

#include "guest/lib/print.h"

namespace fv::guest {
namespace {

// Counts everything, stores what fits.
class Sink {
 public:
  Sink(char* out, size_t capacity) : out_(out), capacity_(capacity) {}
  void Put(char c) {
    if (length_ + 1 < capacity_) {
      out_[length_] = c;
    }
    ++length_;
  }
  void Pad(char c, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      Put(c);
    }
  }
  size_t Finish() {
    if (capacity_ > 0) {
      out_[length_ < capacity_ ? length_ : capacity_ - 1] = '\0';
    }
    return length_;
  }

 private:
  char* out_;
  size_t capacity_;
  size_t length_ = 0;
};

struct Spec {
  bool left = false;
  bool zero = false;
  size_t width = 0;
  size_t precision = ~size_t{0};
  bool is_long = false;
};

void PutText(Sink& sink, const Spec& spec, const char* text) {
  size_t length = 0;
  while (length < spec.precision && text[length] != '\0') {
    ++length;
  }
  const size_t fill = spec.width > length ? spec.width - length : 0;
  if (!spec.left) {
    sink.Pad(' ', fill);
  }
  for (size_t i = 0; i < length; ++i) {
    sink.Put(text[i]);
  }
  if (spec.left) {
    sink.Pad(' ', fill);
  }
}

void PutNumber(Sink& sink, const Spec& spec, uint64_t value, unsigned base, bool negative) {
  char digits[20];
  size_t count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  const size_t length = count + (negative ? 1 : 0);
  const size_t fill = spec.width > length ? spec.width - length : 0;
  if (!spec.left && !spec.zero) {
    sink.Pad(' ', fill);
  }
  if (negative) {
    sink.Put('-');
  }
  if (!spec.left && spec.zero) {
    sink.Pad('0', fill);
  }
  while (count > 0) {
    sink.Put(digits[--count]);
  }
  if (spec.left) {
    sink.Pad(' ', fill);
  }
}

size_t ParseNumber(const char** at) {
  size_t value = 0;
  while (**at >= '0' && **at <= '9') {
    value = value * 10 + static_cast<size_t>(*(*at)++ - '0');
  }
  return value;
}

Spec ParseSpec(const char** at, va_list* arguments) {
  Spec spec;
  for (; **at == '-' || **at == '0'; ++*at) {
    (**at == '-' ? spec.left : spec.zero) = true;
  }
  spec.width = ParseNumber(at);
  if (**at == '.') {
    ++*at;
    if (**at == '*') {
      ++*at;
      spec.precision = static_cast<size_t>(va_arg(*arguments, int));
    } else {
      spec.precision = ParseNumber(at);
    }
  }
  for (; **at == 'l' || **at == 'z'; ++*at) {
    spec.is_long = true;
  }
  return spec;
}

void PutSigned(Sink& sink, const Spec& spec, int64_t value) {
  const uint64_t magnitude =
      value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  PutNumber(sink, spec, magnitude, 10, value < 0);
}

void PutArgument(Sink& sink, const Spec& spec, char kind, va_list* arguments) {
  switch (kind) {
    case 'd':
      PutSigned(sink, spec, spec.is_long ? va_arg(*arguments, int64_t) : va_arg(*arguments, int));
      break;
    case 'u':
    case 'x':
    case 'o': {
      const uint64_t value =
          spec.is_long ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned);
      PutNumber(sink, spec, value, kind == 'u' ? 10 : kind == 'x' ? 16 : 8, false);
      break;
    }
    case 'p':
      PutNumber(sink, spec, reinterpret_cast<uint64_t>(va_arg(*arguments, void*)), 16, false);
      break;
    case 'c':
      sink.Put(static_cast<char>(va_arg(*arguments, int)));
      break;
    case 's': {
      const char* text = va_arg(*arguments, const char*);
      PutText(sink, spec, text != nullptr ? text : "(null)");
      break;
    }
    default:
      sink.Put(kind);
  }
}

}  // namespace

size_t FormatV(char* out, size_t capacity, const char* format, va_list arguments) {
  Sink sink(out, capacity);
  va_list copy;
  va_copy(copy, arguments);
  for (const char* at = format; *at != '\0'; ++at) {
    if (*at != '%') {
      sink.Put(*at);
      continue;
    }
    ++at;
    const Spec spec = ParseSpec(&at, &copy);
    if (*at == '\0') {
      break;
    }
    PutArgument(sink, spec, *at, &copy);
  }
  va_end(copy);
  return sink.Finish();
}

size_t Format(char* out, size_t capacity, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const size_t length = FormatV(out, capacity, format, arguments);
  va_end(arguments);
  return length;
}

}  // namespace fv::guest
