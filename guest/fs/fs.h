// SPDX-License-Identifier: Apache-2.0
//
// The one call of boot into guest/fs.
#pragma once

#include "proto/boot_info.h"

namespace fv::guest {

// The root file system from the initrd, /dev, /proc, /sys, /tmp, and the console. After InitTasks.
// Panics only without memory.
void InitFs(const proto::BootInfo& boot);

}  // namespace fv::guest
