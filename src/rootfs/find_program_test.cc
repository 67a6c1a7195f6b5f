// SPDX-License-Identifier: Apache-2.0
//
// Looking programs up among files of the test's own.
#include "src/rootfs/find_program.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace fv::rootfs {
namespace {

namespace fs = std::filesystem;

class FindProgram : public testing::Test {
 protected:
  FindProgram() : top_(fs::path(testing::TempDir()) / "find_program_test") {
    fs::remove_all(top_);
    for (const char* folder : {"one", "two", "one/folder"}) fs::create_directories(top_ / folder);
    top_ = fs::canonical(top_);
  }
  ~FindProgram() override { fs::remove_all(top_); }

  void Write(const std::string& name, mode_t mode) {
    std::ofstream(top_ / name) << "text";
    chmod((top_ / name).c_str(), mode);
  }
  absl::StatusOr<std::string> Find(const std::string& name) {
    const std::string path = (top_ / "one").string() + ":" + (top_ / "two").string();
    return FindHostProgram(name, path, top_.string());
  }
  std::string Message(const std::string& name) {
    return std::string(Find(name).status().message());
  }
  std::string At(const std::string& name) { return (top_ / name).string(); }

  fs::path top_;
};

TEST_F(FindProgram, InPathTheFirstThatRuns) {
  Write("one/tool", 0644);
  Write("two/tool", 0755);
  Write("two/folder", 0755);
  EXPECT_EQ(*Find("tool"), At("two/tool"));
  EXPECT_EQ(*Find("folder"), At("two/folder")) << "a directory of the name is passed over";
  EXPECT_EQ(*Find("two/tool"), At("two/tool"));
  EXPECT_EQ(Message("nowhere"), "nowhere: no such program in PATH");
  fs::remove(top_ / "two/tool");
  EXPECT_EQ(Message("tool"), At("one/tool") + ": not executable (chmod +x it)");
}

TEST_F(FindProgram, SaysWhatIsThereInstead) {
  for (const std::string directory : {".", "..", "/", "one", "./one", "one/folder"}) {
    EXPECT_EQ(Message(directory), directory + " is a directory, not a program");
    EXPECT_TRUE(absl::IsInvalidArgument(Find(directory).status()));
  }
  EXPECT_EQ(Message("folder"), "folder: no such program in PATH");
  EXPECT_EQ(Message("/dev/null"), "/dev/null is not a regular file");
  Write("plain", 0644);
  EXPECT_EQ(Message("./plain"), "./plain: not executable (chmod +x it)");
  EXPECT_EQ(Message("./plain/x"), "./plain/x: a part of its path is not a directory");
  EXPECT_EQ(Message("./nowhere"), "./nowhere: no such program");
  EXPECT_EQ(Message(""), "the program's name is empty");
}

TEST_F(FindProgram, LinksAndLongNames) {
  fs::create_symlink("gone", top_ / "dangling");
  fs::create_symlink("loop", top_ / "loop");
  EXPECT_EQ(Message("./dangling"), "./dangling is a link to gone, which is not there");
  EXPECT_EQ(Message("./loop"), "./loop: Too many levels of symbolic links");
  const std::string name(300, 'x');
  EXPECT_EQ(Message("./" + name), "./" + name + ": File name too long");
  EXPECT_NE(Message(name).find(name + ": File name too long"), std::string::npos);
}

}  // namespace
}  // namespace fv::rootfs
