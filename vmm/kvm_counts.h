// SPDX-License-Identifier: Apache-2.0
//
// What KVM counted for a vCPU since it was made: also what KVM does without returning to us, which
// on software KVM is most of it (Documentation/virt/kvm/api.rst, 4.133 KVM_GET_STATS_FD).
#pragma once

#include <cstdint>

namespace fv::vmm {

struct KvmCounts {
  bool known = false;     // KVM has such statistics (Linux 5.14)
  uint64_t exits = 0;     // of the guest to KVM, for whatever reason
  uint64_t emulated = 0;  // instructions that KVM executed for the guest
  uint64_t faults = 0;    // page faults that KVM resolved: shadow or nested page tables were filled
};

// Of a vCPU's descriptor; not known if KVM refuses or has other names.
KvmCounts ReadKvmCounts(int vcpu_fd);

}  // namespace fv::vmm
