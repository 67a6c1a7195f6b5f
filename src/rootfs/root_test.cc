// SPDX-License-Identifier: Apache-2.0
//
// Whole roots, from files in a directory of the test's own.
#include "src/rootfs/root.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "src/rootfs/cpio.h"
#include "src/rootfs/host_files.h"

namespace fv::rootfs {
namespace {

namespace fs = std::filesystem;

// The smallest files that pass for programs.
std::string StaticElf() {
  std::string bytes(64 + 56, '\0');
  bytes.replace(0, 7, std::string("\177ELF\2\1\1", 7));
  bytes[16] = 2;   // ET_EXEC
  bytes[18] = 62;  // EM_X86_64
  bytes[32] = 64;  // program headers
  bytes[54] = 56;
  bytes[56] = 1;
  bytes[64] = 1;  // PT_LOAD
  return bytes;
}
std::string DynamicElf() {
  std::string bytes = StaticElf() + std::string(56, '\0') + std::string("/lib/ld.so\0", 11);
  bytes[56] = 2;
  bytes[120] = 3;               // PT_INTERP
  bytes[128] = char(120 + 56);  // offset
  bytes[152] = 11;              // bytes
  return bytes;
}
std::string FakeBusybox() {
  static constexpr char kNames[] = "BusyBox v1.0\0[\0[[\0env\0ls\0sh\0\0";
  return StaticElf() + std::string(kNames, sizeof(kNames));
}

class RootTest : public testing::Test {
 protected:
  RootTest() : top_(fs::path(testing::TempDir()) / "root_test") {
    fs::remove_all(top_);
    fs::create_directories(top_ / "bin");
    top_ = fs::canonical(top_);
    options_.host_cwd = top_.string();
    options_.host_path = (top_ / "bin").string();
    options_.host_busybox = Write("bin/busybox", FakeBusybox());
  }
  ~RootTest() override { fs::remove_all(top_); }

  std::string Write(const std::string& name, const std::string& content, mode_t mode = 0755) {
    const fs::path path = top_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    chmod(path.c_str(), mode);
    return path.string();
  }
  absl::StatusOr<Root> Build(const std::string& program) {
    options_.program = program;
    return BuildRoot(options_);
  }
  std::string Error(const std::string& program) {
    return std::string(Build(program).status().message());
  }

  fs::path top_;
  RootOptions options_;
};

TEST_F(RootTest, DefaultRootHasWhatProgramsLookFor) {
  const FileTree tree = DefaultRoot();
  EXPECT_EQ(tree.Find("/tmp")->permissions, 01777u);
  EXPECT_EQ(tree.Find("/dev/shm")->permissions, 01777u);
  for (const char* path :
       {"/proc", "/bin", "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf"}) {
    EXPECT_NE(tree.Find(path), nullptr) << path;
  }
  EXPECT_TRUE(tree.Find("/etc/passwd")->content.starts_with("root:x:0:0:"));
}

TEST_F(RootTest, ProgramStandsAtItsOwnPath) {
  const std::string path = Write("dir/prog", StaticElf());
  for (const std::string& name :
       {path, std::string("dir/prog"), std::string("./dir/../dir/prog")}) {
    const auto root = Build(name);
    ASSERT_TRUE(root.ok()) << root.status();
    EXPECT_EQ(root->exec_path, path);
    EXPECT_EQ(root->cwd, top_.string());
    ASSERT_NE(root->tree.Find(path), nullptr);
    EXPECT_EQ(root->tree.Find(path)->content, StaticElf());
    EXPECT_EQ(root->tree.Find("/bin/sh"), nullptr) << "no busybox unless wanted";
  }
}

TEST_F(RootTest, TheNameAsTyped) {
  const std::string path = Write("dir/prog", StaticElf());
  EXPECT_EQ(Build("./dir/prog")->exec_name, "./dir/prog");
  EXPECT_EQ(Build(path)->exec_name, path);
  fs::create_directories(top_ / "r");
  options_.rootfs = (top_ / "r").string();
  EXPECT_EQ(Build("./dir/prog")->exec_name, path) << "the guest's directory is another";
}

TEST_F(RootTest, ProgramFromPath) {
  const std::string path = Write("bin/tool", StaticElf());
  EXPECT_EQ(Build("tool")->exec_path, path);
  EXPECT_EQ(Build("tool")->exec_name, path);
}

// Their size is said to be 0.
TEST(HostFiles, FilesOfProcHaveContents) {
  const absl::StatusOr<std::string> version = ReadHostFile("/proc/version");
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_TRUE(version->starts_with("Linux version ")) << *version;
}

TEST_F(RootTest, ALinkStaysALink) {
  const std::string real = Write("real", StaticElf());
  fs::create_symlink("real", top_ / "alias");
  const auto root = Build("./alias");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->exec_path, (top_ / "alias").string());
  EXPECT_EQ(*root->tree.Resolve(root->exec_path), real);
}

TEST_F(RootTest, WhatAShellWouldSay) {
  EXPECT_NE(Error("nowhere").find("no such program in PATH"), std::string::npos);
  EXPECT_NE(Error("./nowhere").find("no such program"), std::string::npos);
  EXPECT_FALSE(Build("").ok());
  Write("data", "text");
  EXPECT_NE(Error("./data").find("neither an ELF program nor a script"), std::string::npos);
  Write("dyn", DynamicElf());
  EXPECT_NE(Error("./dyn").find("dynamically linked"), std::string::npos);
}

TEST_F(RootTest, DynamicProgramsBringLoaderAndLibraries) {
  const auto root = Build("/bin/ls");
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_NE(root->tree.Find("/lib64/ld-linux-x86-64.so.2"), nullptr);
  bool has_libc = false;
  for (const auto& [path, node] : root->tree.nodes()) {
    has_libc |= path.find("/libc.so.6") != std::string::npos;
  }
  EXPECT_TRUE(has_libc);
}

TEST_F(RootTest, NotExecutable) {
  Write("plain", StaticElf(), 0644);
  EXPECT_NE(Error("./plain").find("chmod +x"), std::string::npos);
}

TEST_F(RootTest, ScriptsBringTheShell) {
  Write("script", "#!/bin/sh\n:\n");
  const auto root = Build("./script");
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ(*root->tree.Resolve("/bin/sh"), "/bin/busybox");
  EXPECT_EQ(*root->tree.Resolve("/usr/bin/env"), "/bin/busybox");
  Write("odd", "#!/opt/odd/sh\n:\n");
  EXPECT_EQ(*Build("./odd")->tree.Resolve("/opt/odd/sh"), "/bin/busybox");
}

TEST_F(RootTest, ScriptInterpretersOfTheHost) {
  const std::string interpreter = Write("interp", StaticElf());
  Write("good", "#!" + interpreter + " -x\n");
  EXPECT_NE(Build("./good")->tree.Find(interpreter), nullptr);
  Write("interp2", DynamicElf());
  Write("bad", "#!" + (top_ / "interp2").string() + "\n");
  EXPECT_NE(Error("./bad").find("dynamically linked"), std::string::npos);
  Write("none", "#!/no/such\n");
  EXPECT_NE(Error("./none").find("/no/such"), std::string::npos);
}

TEST_F(RootTest, ProgramsThatMayStartAShellGetOne) {
  Write("sys", StaticElf() + std::string("/bin/sh\0", 8));
  EXPECT_NE(Build("./sys")->tree.Find("/bin/ls"), nullptr);
  options_.busybox = Busybox::kNever;
  EXPECT_EQ(Build("./sys")->tree.Find("/bin/ls"), nullptr);
  Write("plain", StaticElf());
  options_.busybox = Busybox::kAlways;
  EXPECT_NE(Build("./plain")->tree.Find("/bin/ls"), nullptr);
  options_.host_busybox = Write("fake", StaticElf());
  EXPECT_NE(Error("./plain").find("busybox-static"), std::string::npos);
}

TEST_F(RootTest, ABusyboxAsProgramHasItsApplets) {
  const auto root = Build("busybox");
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ(*root->tree.Resolve("/bin/ls"), (top_ / "bin/busybox").string());
}

TEST_F(RootTest, GivenDirectory) {
  Write("r/usr/bin/inside", StaticElf());
  fs::create_symlink("usr/bin", top_ / "r/bin");
  fs::create_hard_link(top_ / "r/usr/bin/inside", top_ / "r/usr/bin/twin");
  options_.rootfs = (top_ / "r").string();
  const auto root = Build("inside");
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ(root->exec_path, "/bin/inside");
  EXPECT_EQ(root->cwd, "/");
  EXPECT_EQ(root->tree.Find("/usr/bin/twin"), root->tree.Find("/usr/bin/inside"));
  EXPECT_NE(root->tree.Find("/proc"), nullptr) << "mount points are made";
  const std::string outside = Write("dir/outside", StaticElf());
  EXPECT_EQ(Build("dir/outside")->exec_path, outside) << "copied in";
}

TEST_F(RootTest, GivenArchive) {
  FileTree tree;
  ASSERT_TRUE(tree.AddFile("/bin/inside", StaticElf(), 0755).ok());
  options_.rootfs = Write("r.cpio", *WriteCpio(tree));
  EXPECT_EQ(Build("/bin/inside")->exec_path, "/bin/inside");
  options_.rootfs = Write("bad.cpio", "hello");
  EXPECT_NE(Error("/bin/inside").find("not a cpio archive"), std::string::npos);
  options_.rootfs = (top_ / "none").string();
  EXPECT_NE(Error("/bin/inside").find("--rootfs="), std::string::npos);
}

TEST_F(RootTest, AGivenRootHoldsItsOwnLoader) {
  Write("r/bin/dyn", DynamicElf());
  options_.rootfs = (top_ / "r").string();
  EXPECT_NE(Error("dyn").find("dynamically linked"), std::string::npos);
  Write("r/lib/ld.so", StaticElf());
  EXPECT_TRUE(Build("dyn").ok());
}

TEST_F(RootTest, ExtraFiles) {
  Write("prog", StaticElf());
  Write("d/one", "1");
  Write("two", "2", 0600);
  options_.files = {{"d", "/data"}, {"two", ""}};
  const auto root = Build("./prog");
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ(root->tree.Find("/data/one")->content, "1");
  EXPECT_EQ(root->tree.Find((top_ / "two").string())->permissions, 0600u);
  options_.files = {{"missing", ""}};
  EXPECT_FALSE(Build("./prog").ok());
}

TEST_F(RootTest, HostDirectoryKeepsModesAndSkipsSockets) {
  Write("h/file", "x", 04711);
  ASSERT_EQ(mkfifo((top_ / "h/pipe").c_str(), 0600), 0);
  const auto tree = ReadHostDirectory((top_ / "h").string());
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(tree->Find("/file")->permissions, 04711u);
  EXPECT_EQ(tree->Find("/pipe")->type, NodeType::kFifo);
}

}  // namespace
}  // namespace fv::rootfs
