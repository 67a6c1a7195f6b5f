// SPDX-License-Identifier: Apache-2.0
//
// ioctl(2) for set-up: a failure becomes a VmmError that names the request. EINTR is retried,
// which is safe for every request used here except KVM_RUN (vcpu.cc calls that one itself).
#pragma once

#include <sys/ioctl.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "vmm/error.h"

namespace fv::vmm {

template <typename Argument>
int IoctlOrThrow(int fd, unsigned long request, const char* name, Argument argument) {
  int result;
  do {
    result = ::ioctl(fd, request, argument);
  } while (result < 0 && errno == EINTR);
  if (result < 0) ThrowErrno(name, errno);
  return result;
}

inline int IoctlOrThrow(int fd, unsigned long request, const char* name) {
  return IoctlOrThrow(fd, request, name, 0UL);
}

// KVM's lists (kvm_cpuid2, kvm_msrs) with room for their entries: a head of 8 bytes, then the
// array that the kernel's own structures leave open.
template <typename Entry, size_t kCapacity>
struct KvmList {
  uint32_t count;
  uint32_t padding;
  Entry entries[kCapacity];
};

}  // namespace fv::vmm
