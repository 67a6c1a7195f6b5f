// SPDX-License-Identifier: Apache-2.0
//
// The one way in which a test asks for KVM. Without a usable /dev/kvm the test is skipped, visibly
// and with the reason; with FORKVISOR_REQUIRE_KVM=1 in the environment it fails instead.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "vmm/error.h"
#include "vmm/kvm.h"

namespace fv::vmm::testing {

inline bool KvmIsRequired() {
  const char* value = std::getenv("FORKVISOR_REQUIRE_KVM");
  return value != nullptr && std::string(value) == "1";
}

// A fixture whose tests have `kvm()`.
class KvmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      kvm_ = Kvm::Open();
    } catch (const VmmError& error) {
      // Any other error is a fault of ours, not a host without KVM.
      if (!error.IsNoUsableKvm() || KvmIsRequired()) FAIL() << error.what();
      GTEST_SKIP() << "no usable KVM: " << error.what();
    }
  }
  const Kvm& kvm() const { return *kvm_; }

 private:
  std::optional<Kvm> kvm_;
};

}  // namespace fv::vmm::testing
