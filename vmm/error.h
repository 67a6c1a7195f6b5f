// SPDX-License-Identifier: Apache-2.0
//
// Set-up failures of the hypervisor library. Everything that happens before the first guest
// instruction throws VmmError; the run path returns values (RunResult in machine.h). The kind
// lets the command line pick its exit code; what() is a whole sentence for the user.
#pragma once

#include <stdexcept>
#include <string>

namespace fv::vmm {

enum class VmmErrorKind {
  kNoDevice,      // no /dev/kvm, no KVM backend behind it, or another hypervisor has the CPU
  kNoPermission,  // /dev/kvm may not be opened by this user
  kTooOld,        // the KVM API version or a needed capability is missing (named in what())
  kNoMemory,      // the host refused memory
  kBadImage,      // the guest kernel image is malformed
  kBadConfig,     // the machine's configuration contradicts itself (RAM size, ring, sizes)
  kSystem,        // any other failed call to the host, with its errno text
};

class VmmError : public std::runtime_error {
 public:
  VmmError(VmmErrorKind kind, const std::string& message)
      : std::runtime_error(message), kind_(kind) {}

  VmmErrorKind kind() const { return kind_; }

  // This machine cannot run guests at all (exit code 3 of the command).
  bool IsNoUsableKvm() const {
    return kind_ == VmmErrorKind::kNoDevice || kind_ == VmmErrorKind::kNoPermission ||
           kind_ == VmmErrorKind::kTooOld;
  }

 private:
  VmmErrorKind kind_;
};

// Throws kSystem (kNoMemory for ENOMEM) with "<what>: <errno text>".
[[noreturn]] void ThrowErrno(const std::string& what, int error);

}  // namespace fv::vmm
