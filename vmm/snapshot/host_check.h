// SPDX-License-Identifier: Apache-2.0
//
// Whether a snapshot can go on here: what the guest has seen of its CPU it may use for ever.
#pragma once

#include <string>

#include "vmm/kvm.h"
#include "vmm/snapshot/snapshot.h"

namespace fv::vmm {

// Empty if it can; else the reason, for the user. Throws VmmError if the host cannot be asked.
std::string WhyNotHere(const Kvm& kvm, const Snapshot& snapshot);

}  // namespace fv::vmm
