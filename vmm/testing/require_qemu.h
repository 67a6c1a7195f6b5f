// SPDX-License-Identifier: Apache-2.0
//
// The one way in which a test asks for QEMU. Without it the test is skipped, visibly; with
// FORKVISOR_REQUIRE_KVM=1 in the environment it fails instead.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

#include "vmm/testing/require_kvm.h"

namespace fv::vmm::testing {

inline bool QemuIsThere() {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "/bin:/usr/bin" : path);
  std::string directory;
  while (std::getline(directories, directory, ':')) {
    if (::access((directory + "/qemu-system-x86_64").c_str(), X_OK) == 0) return true;
  }
  return false;
}

class QemuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (QemuIsThere()) return;
    constexpr char kWhy[] = "qemu-system-x86_64 is missing (package qemu-system-x86)";
    if (KvmIsRequired()) FAIL() << kWhy;
    GTEST_SKIP() << kWhy;
  }
};

}  // namespace fv::vmm::testing
