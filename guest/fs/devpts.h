// SPDX-License-Identifier: Apache-2.0
//
// devpts: the directory of pseudo-terminals, /dev/pts. Its entries are ptmx and the slaves whose
// masters are open. Every mount shows the same ones.
#pragma once

#include "guest/fs/dentry.h"

namespace fv::guest {

class PtyPair;

// Errors: ENOMEM.
Result<Ref<Inode>> MakeDevptsRoot();
Superblock& DevptsSuperblock();
// The root of the first devpts that is mounted, or null.
Ref<Dentry> DevptsRoot();
// The slave's name there. Errors: EIO (none is mounted, or the master is closed), ENOMEM.
Result<Ref<Dentry>> MakePtySlaveDentry(PtyPair& pair);

}  // namespace fv::guest
