// SPDX-License-Identifier: Apache-2.0
//
// ioctl(2) for set-up: a failure becomes a VmmError that names the request. EINTR is retried,
// which is safe for every request used here except KVM_RUN (vcpu.cc calls that one itself).
#pragma once

#include <sys/ioctl.h>

#include <cerrno>
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

}  // namespace fv::vmm
