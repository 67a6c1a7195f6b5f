// SPDX-License-Identifier: Apache-2.0
//
// Shared by tty_ioctl.cc and tty_session.cc.
#pragma once

#include "guest/fs/tty.h"

namespace fv::guest {

// The ioctls about sessions and groups; others give ENOTTY.
Result<uint64_t> SessionIoctl(Tty& tty, TtyEnd end, uint32_t command, uint64_t argument, Mm& mm);

}  // namespace fv::guest
