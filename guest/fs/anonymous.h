// SPDX-License-Identifier: Apache-2.0
//
// Names for objects that have no path: eventfd, epoll, timerfd... ("anon_inode:[eventfd]").
#pragma once

#include "guest/fs/dentry.h"

namespace fv::guest {

// A dentry without a parent on an inode without a type; reopening it through /proc is ENXIO.
// Errors: ENOMEM.
Result<Ref<Dentry>> MakeAnonymousDentry(const char* name);

}  // namespace fv::guest
