// SPDX-License-Identifier: Apache-2.0
//
// Text of a report: what does not fit is cut off.
#pragma once

#include <cstdarg>
#include <cstddef>

#include "guest/lib/print.h"
#include "proto/channel.h"

namespace fv::guest::sanitize {

class Text {
 public:
  void Add(const char* format, ...) __attribute__((format(printf, 2, 3))) {
    va_list arguments;
    va_start(arguments, format);
    const size_t length = FormatV(text_ + used_, sizeof(text_) - used_, format, arguments);
    va_end(arguments);
    const size_t most = sizeof(text_) - 1 - used_;
    used_ += length < most ? length : most;
  }
  const char* c_str() const { return text_; }

 private:
  char text_[sizeof(proto::ChannelHeader::panic_message)] = {};
  size_t used_ = 0;
};

}  // namespace fv::guest::sanitize
