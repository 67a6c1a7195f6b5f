// SPDX-License-Identifier: Apache-2.0
//
// How opening KVM fails. None of these needs KVM.
#include "vmm/kvm.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "vmm/error.h"
#include "vmm/testing/require_kvm.h"

namespace fv::vmm {
namespace {

struct Failure {
  VmmErrorKind kind;
  std::string message;
};

Failure FailureOf(const std::string& device) {
  try {
    Kvm::Open(device);
  } catch (const VmmError& error) {
    EXPECT_TRUE(error.IsNoUsableKvm());
    return {error.kind(), error.what()};
  }
  ADD_FAILURE() << device << " was accepted";
  return {VmmErrorKind::kSystem, ""};
}

TEST(KvmOpenTest, MissingDevice) {
  const Failure failure = FailureOf("/dev/no-such-kvm");
  EXPECT_EQ(failure.kind, VmmErrorKind::kNoDevice);
  EXPECT_NE(failure.message.find("/dev/no-such-kvm: No such file"), std::string::npos)
      << failure.message;
}

TEST(KvmOpenTest, NotKvm) { EXPECT_EQ(FailureOf("/dev/null").kind, VmmErrorKind::kNoDevice); }

// Root may open everything, so the error number is made up.
TEST(KvmOpenTest, NoPermission) {
  try {
    ThrowOpenFailure("/dev/kvm", EACCES);
    ADD_FAILURE();
  } catch (const VmmError& error) {
    EXPECT_EQ(error.kind(), VmmErrorKind::kNoPermission);
    EXPECT_STREQ(error.what(),
                 "/dev/kvm: Permission denied (add this user to the group kvm: usermod -aG kvm "
                 "USER)");
  }
}

TEST(KvmCreateTest, AnotherHypervisorIsNamed) {
  try {
    ThrowCreateFailure(EBUSY);
    ADD_FAILURE();
  } catch (const VmmError& error) {
    EXPECT_TRUE(error.IsNoUsableKvm());
    EXPECT_NE(std::string(error.what()).find("busy (another hypervisor"), std::string::npos)
        << error.what();
  }
}

TEST(KvmCapabilityTest, TheMissingOneIsNamed) {
  struct Case {
    int missing;
    const char* name;
  };
  for (const Case& c : {Case{KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
                        Case{KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
                        Case{KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
                        Case{KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS"}}) {
    try {
      RequireCapabilities([&c](int number) { return number == c.missing ? 0 : 0xFF; });
      ADD_FAILURE() << c.name;
    } catch (const VmmError& error) {
      EXPECT_EQ(error.kind(), VmmErrorKind::kTooOld);
      EXPECT_NE(std::string(error.what()).find(c.name), std::string::npos) << error.what();
    }
  }
  EXPECT_NO_THROW(RequireCapabilities([](int) { return 0xFF; }));
}

TEST(KvmCapabilityTest, SyncRegsMustIncludeGeneralRegisters) {
  const auto only_sregs = [](int number) {
    return number == KVM_CAP_SYNC_REGS ? KVM_SYNC_X86_SREGS : 1;
  };
  EXPECT_THROW(RequireCapabilities(only_sregs), VmmError);
}

using KvmTest = testing::KvmTest;

TEST_F(KvmTest, OffersAGuestCpu) {
  EXPECT_GT(kvm().supported_cpuid().size(), 3u);
  EXPECT_GE(kvm().run_page_bytes(), sizeof(kvm_run));
  EXPECT_FALSE(BackendName().empty());
}

}  // namespace
}  // namespace fv::vmm
