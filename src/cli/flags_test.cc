// SPDX-License-Identifier: Apache-2.0
//
// The shared flags: values, and that the help names every one of them.
#include "src/cli/flags.h"

#include <gtest/gtest.h>

#include "src/cli/exit_codes.h"
#include "src/cli/verbs.h"

namespace fv::cli {
namespace {

// Sets flags back to their defaults behind each test.
class FlagsTest : public testing::Test {
 protected:
  absl::StatusOr<session::GuestOptions> Options(const std::vector<std::string>& args) {
    const absl::StatusOr<Arguments> arguments = ParseArguments(args, GuestFlags());
    if (!arguments.ok()) return arguments.status();
    return GuestOptionsFromFlags(*arguments);
  }
  gflags::FlagSaver saver_;
};

TEST_F(FlagsTest, Defaults) {
  const auto options = Options({"prog", "a", "b"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->root.program, "prog");
  EXPECT_EQ(options->arguments, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options->ram_bytes, uint64_t{256} << 20);
  EXPECT_EQ(options->kernel_ring, vmm::KernelRing::kAuto);
  EXPECT_EQ(options->host, session::Host::kKvm);
  EXPECT_EQ(options->timeout_ns, 0u);
  EXPECT_EQ(options->mutant, 0u);
  EXPECT_EQ(options->tick_ns, session::kDefaultTickNs);
  EXPECT_GT(options->kernel_image.size(), 4096u) << "the kernel is inside";
}

TEST_F(FlagsTest, Values) {
  const auto options =
      Options({"--mem=1G", "--kernel_ring=0", "--fork=eager", "--deterministic", "--timeout=2",
               "--kernel=fuzz", "--mutant=no-canary", "--file=/a:/b", "--file=/c", "--env=X=1",
               "--cwd=/d", "--host=qemu", "--qemu=/q", "--qemu_cpu=plain", "p"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->ram_bytes, uint64_t{1} << 30);
  EXPECT_EQ(options->kernel_ring, vmm::KernelRing::kRing0);
  EXPECT_EQ(options->fork_strategy, "eager");
  EXPECT_NE(options->boot_flags & proto::kBootDeterministic, 0u);
  EXPECT_EQ(options->tick_ns, 0u);
  EXPECT_EQ(options->timeout_ns, 2'000'000'000u);
  EXPECT_EQ(options->mutant, 17u);
  ASSERT_EQ(options->root.files.size(), 2u);
  EXPECT_EQ(options->root.files[0], (std::pair<std::string, std::string>("/a", "/b")));
  EXPECT_EQ(options->root.files[1], (std::pair<std::string, std::string>("/c", "")));
  EXPECT_EQ(options->cwd, "/d");
  EXPECT_EQ(options->host, session::Host::kQemu);
  EXPECT_EQ(options->qemu_program, "/q");
  EXPECT_EQ(options->qemu_cpu, vmm::qemu::CpuModel::kPlain);
}

TEST_F(FlagsTest, WrongValues) {
  for (const char* flag :
       {"--mem=15M", "--mem=257G", "--kernel_ring=2", "--strategy=lazy", "--busybox=maybe",
        "--host=xen", "--qemu_cpu=small", "--mutant=nobody", "--timeout=soon"}) {
    gflags::FlagSaver saver;
    EXPECT_TRUE(absl::IsInvalidArgument(Options({flag, "p"}).status())) << flag;
  }
}

TEST_F(FlagsTest, MutantsWantAKernelThatHasThem) {
  const auto options = Options({"--mutant=no-canary", "p"});
  ASSERT_TRUE(absl::IsInvalidArgument(options.status()));
  EXPECT_NE(options.status().message().find("--kernel=fuzz"), absl::string_view::npos);
}

TEST_F(FlagsTest, ASnapshotHasItsOptions) {
  for (const char* flag : {"--mem=64M", "--env=A=b", "--file=a", "--mutant=no-canary", "--cwd=/",
                           "--rootfs=/", "--strategy=eager", "--deterministic"}) {
    gflags::FlagSaver saver;
    const auto arguments = ParseArguments({"--from=s", flag}, [] {
      std::vector<std::string_view> flags = GuestFlags();
      for (const std::string_view from : FromFlags()) flags.push_back(from);
      return flags;
    }());
    ASSERT_TRUE(arguments.ok()) << arguments.status();
    EXPECT_TRUE(absl::IsInvalidArgument(CheckFrom(*arguments))) << flag;
  }
}

TEST_F(FlagsTest, HelpNamesEveryFlag) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(ShowHelp("run"), kExitOk);
  const std::string help = testing::internal::GetCapturedStdout();
  for (const std::string_view flag : GuestFlags()) {
    const std::string name = (flag.size() == 1 ? "-" : "--") + std::string(flag);
    EXPECT_NE(help.find(name), std::string::npos) << name;
  }
  EXPECT_NE(help.find("--check"), std::string::npos);
}

}  // namespace
}  // namespace fv::cli
