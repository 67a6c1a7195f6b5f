// SPDX-License-Identifier: Apache-2.0
//
// What guest/arch's own files share: boot-time steps and the choice of ring.
#pragma once

#include "proto/boot_info.h"

namespace fv::guest {

void InitTraps(const proto::BootInfo& boot);
void InitClock(const proto::BootInfo& boot);
void InitUserRegisters(const proto::BootInfo& boot);
unsigned KernelRing();

}  // namespace fv::guest
