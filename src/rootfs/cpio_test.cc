// SPDX-License-Identifier: Apache-2.0
//
// Archives: round trip, the bytes of the format, and refusal of every kind of damage.
#include "src/rootfs/cpio.h"

#include <gtest/gtest.h>

#include <string>

namespace fv::rootfs {
namespace {

FileTree Sample() {
  FileTree tree;
  EXPECT_TRUE(tree.AddDirectory("/tmp", 01777).ok());
  EXPECT_TRUE(tree.AddFile("/etc/motd", "hello", 0640).ok());
  EXPECT_TRUE(tree.AddFile("/empty", "").ok());
  EXPECT_TRUE(tree.AddSymlink("/etc/issue", "motd").ok());
  EXPECT_TRUE(tree.AddHardLink("/motd2", "/etc/motd").ok());
  EXPECT_TRUE(tree.Add("/dev/null", {.type = NodeType::kCharDevice,
                                     .permissions = 0666,
                                     .uid = 7,
                                     .gid = 8,
                                     .mtime = 9,
                                     .device_major = 1,
                                     .device_minor = 3,
                                     .content = ""})
                  .ok());
  EXPECT_TRUE(tree.Add("/fifo", {.type = NodeType::kFifo, .permissions = 0600}).ok());
  return tree;
}

TEST(Cpio, RoundTrip) {
  const FileTree tree = Sample();
  const auto archive = WriteCpio(tree);
  ASSERT_TRUE(archive.ok());
  const auto back = ReadCpio(*archive);
  ASSERT_TRUE(back.ok()) << back.status();
  ASSERT_EQ(back->nodes().size(), tree.nodes().size());
  for (const auto& [path, node] : tree.nodes()) {
    SCOPED_TRACE(path);
    ASSERT_TRUE(back->nodes().contains(path));
    const Node& other = *back->nodes().at(path);
    EXPECT_EQ(other.type, node->type);
    EXPECT_EQ(other.permissions, node->permissions);
    EXPECT_EQ(other.content, node->content);
    EXPECT_EQ(other.uid, node->uid);
    EXPECT_EQ(other.gid, node->gid);
    EXPECT_EQ(other.mtime, node->mtime);
    EXPECT_EQ(other.device_major, node->device_major);
    EXPECT_EQ(other.device_minor, node->device_minor);
  }
  EXPECT_EQ(back->Find("/motd2"), back->Find("/etc/motd")) << "still one file";
  EXPECT_EQ(*WriteCpio(*back), *archive) << "same tree, same bytes";
}

TEST(Cpio, HeaderBytes) {
  FileTree tree;
  ASSERT_TRUE(tree.AddFile("/ab", "xyz", 0644).ok());
  const std::string archive = *WriteCpio(tree);
  EXPECT_EQ(archive.substr(0, 6), "070701");
  EXPECT_EQ(archive.substr(14, 8), "000081a4") << "S_IFREG | 0644";
  EXPECT_EQ(archive.substr(38, 8), "00000001") << "links";
  EXPECT_EQ(archive.substr(54, 8), "00000003") << "bytes";
  EXPECT_EQ(archive.substr(94, 8), "00000003") << "name with its NUL";
  EXPECT_EQ(archive.substr(110, 3), std::string("ab\0", 3));
  EXPECT_EQ(archive.substr(116, 3), "xyz") << "data begins at a multiple of four";
  EXPECT_EQ(archive.size() % 4, 0u);
  EXPECT_NE(archive.find("TRAILER!!!"), std::string::npos);
}

TEST(Cpio, DataStandsWithTheLastNameOnly) {
  FileTree tree;
  ASSERT_TRUE(tree.AddFile("/a", "DATADATA").ok());
  ASSERT_TRUE(tree.AddHardLink("/b", "/a").ok());
  const std::string archive = *WriteCpio(tree);
  EXPECT_EQ(archive.find("DATADATA"), archive.rfind("DATADATA"));
  EXPECT_GT(archive.find("DATADATA"), archive.find(std::string("b\0", 2)));
}

TEST(Cpio, ArchivesAfterEachOtherAreOne) {
  FileTree first;
  FileTree second;
  ASSERT_TRUE(first.AddFile("/a", "1").ok());
  ASSERT_TRUE(second.AddFile("/b", "2").ok());
  const auto both = ReadCpio(*WriteCpio(first) + std::string(512, '\0') + *WriteCpio(second));
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->Find("/a")->content, "1");
  EXPECT_EQ(both->Find("/b")->content, "2");
}

TEST(Cpio, EveryTruncationIsRefusedOrShorter) {
  const std::string archive = *WriteCpio(Sample());
  for (size_t bytes = 0; bytes < archive.size(); ++bytes) {
    const auto tree = ReadCpio(archive.substr(0, bytes));
    if (tree.ok()) EXPECT_LE(tree->nodes().size(), Sample().nodes().size());
  }
  EXPECT_TRUE(absl::IsDataLoss(ReadCpio("").status()));
  EXPECT_TRUE(absl::IsDataLoss(ReadCpio(archive.substr(0, 60)).status()));
}

TEST(Cpio, DamageIsRefused) {
  const std::string archive = *WriteCpio(Sample());
  const auto damaged = [&](size_t at, std::string_view bytes) {
    std::string copy = archive;
    copy.replace(at, bytes.size(), bytes);
    return ReadCpio(copy).status();
  };
  EXPECT_TRUE(absl::IsDataLoss(damaged(0, "070707"))) << "another magic";
  EXPECT_TRUE(absl::IsDataLoss(damaged(6, "0000000g"))) << "no number";
  EXPECT_TRUE(absl::IsDataLoss(damaged(54, "ffffffff"))) << "longer than the archive";
  EXPECT_TRUE(absl::IsDataLoss(damaged(94, "ffffffff"))) << "endless name";
  EXPECT_TRUE(absl::IsDataLoss(damaged(94, "00000000"))) << "no name";
  EXPECT_TRUE(absl::IsDataLoss(damaged(14, "00000000"))) << "no type";
}

TEST(Cpio, NamesCannotLeaveTheTree) {
  FileTree tree;
  ASSERT_TRUE(tree.AddFile("/aaaaa", "x").ok());
  std::string archive = *WriteCpio(tree);
  archive.replace(archive.find("aaaaa"), 5, "../xx");
  const auto back = ReadCpio(archive);
  ASSERT_TRUE(back.ok());
  EXPECT_NE(back->Find("/xx"), nullptr);
}

}  // namespace
}  // namespace fv::rootfs
