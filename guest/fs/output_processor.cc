// SPDX-License-Identifier: Apache-2.0
#include "guest/fs/output_processor.h"

namespace fv::guest {

size_t OutputProcessor::Expand(const struct termios& settings, uint8_t byte,
                               uint8_t (&out)[kMaxExpansion]) {
  const uint32_t flags = settings.c_oflag;
  out[0] = byte;
  if ((flags & OPOST) == 0) {
    return 1;
  }
  switch (byte) {
    case '\n':
      column_ = (flags & (ONLRET | ONLCR)) != 0 ? 0 : column_;
      if ((flags & ONLCR) != 0) {
        out[0] = '\r';
        out[1] = '\n';
        return 2;
      }
      return 1;
    case '\r':
      if ((flags & ONOCR) != 0 && column_ == 0) {
        return 0;
      }
      if ((flags & OCRNL) != 0) {
        out[0] = '\n';
        column_ = (flags & ONLRET) != 0 ? 0 : column_;
        return 1;
      }
      column_ = 0;
      return 1;
    case '\t': {
      const unsigned width = 8 - column_ % 8;
      column_ += width;
      if ((flags & TABDLY) != XTABS) {
        return 1;
      }
      for (unsigned i = 0; i < width; ++i) {
        out[i] = ' ';
      }
      return width;
    }
    case '\b':
      column_ -= column_ > 0 ? 1 : 0;
      return 1;
    default:
      break;
  }
  if ((flags & OLCUC) != 0 && byte >= 'a' && byte <= 'z') {
    out[0] = static_cast<uint8_t>(byte & ~0x20);
  }
  const bool control = byte < ' ' || byte == 0x7f;
  column_ += control || ((settings.c_iflag & IUTF8) != 0 && (byte & 0xc0) == 0x80) ? 0 : 1;
  return 1;
}

}  // namespace fv::guest
