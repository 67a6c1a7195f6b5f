// SPDX-License-Identifier: Apache-2.0
//
// Names laid down by hand: paths, mounts, names without a place, and links that lead nowhere or in
// a ring.
#include "src/inspect/mapping_path.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "proto/layout.h"

namespace fv::inspect {
namespace {

using proto::GuestPtr;
using proto::kKernelBase;
using proto::NamedVmaRecord;
using proto::NameRecord;

class MappingPathTest : public ::testing::Test {
 protected:
  template <typename T>
  T& At(GuestPtr pointer) {
    return *reinterpret_cast<T*>(ram_.data() + (pointer - kKernelBase) / 8);
  }
  GuestPtr Room(size_t bytes) {
    const GuestPtr at = next_;
    next_ += (bytes + 7) & ~size_t{7};
    return at;
  }
  GuestPtr AddName(const std::string& text, GuestPtr directory, GuestPtr mount_point = 0,
                   uint32_t flags = 0) {
    const GuestPtr name = Room(sizeof(NameRecord));
    // Not where a word begins.
    const GuestPtr place = Room(text.size() + 3) + 3;
    std::memcpy(reinterpret_cast<char*>(ram_.data()) + (place - kKernelBase), text.data(),
                text.size());
    At<NameRecord>(name) = {.magic = proto::kNameMagic,
                            .text = place,
                            .length = static_cast<uint32_t>(text.size()),
                            .flags = flags,
                            .directory = directory,
                            .mount_point = mount_point};
    return name;
  }
  std::string PathOf(GuestPtr name) {
    const GuestPtr vma = Room(sizeof(NamedVmaRecord));
    At<NamedVmaRecord>(vma).name = name;
    return MappingPath(MemoryReader(ram_.data(), ram_.size() * 8), vma);
  }

  std::vector<uint64_t> ram_ = std::vector<uint64_t>(64 * 1024 / 8);
  GuestPtr next_ = kKernelBase + 4096;
};

TEST_F(MappingPathTest, GoesUpToTheRoot) {
  const GuestPtr root = AddName("/", 0);
  const GuestPtr lib = AddName("lib", root);
  EXPECT_EQ(PathOf(AddName("libc.so.6", lib)), "/lib/libc.so.6");
  EXPECT_EQ(PathOf(AddName("init", root)), "/init");
}

TEST_F(MappingPathTest, GoesOnWhereAMountIs) {
  const GuestPtr root = AddName("/", 0);
  const GuestPtr mounted = AddName("/", 0, AddName("shm", AddName("dev", root)));
  EXPECT_EQ(PathOf(AddName("x", mounted)), "/dev/shm/x");
}

TEST_F(MappingPathTest, SaysWhatIsGone) {
  const GuestPtr root = AddName("/", 0);
  EXPECT_EQ(PathOf(AddName("x", root, 0, proto::kNameUnlinked)), "/x (deleted)");
}

TEST_F(MappingPathTest, ANameWithoutAPlaceIsItsText) {
  EXPECT_EQ(PathOf(AddName("/memfd:x", 0)), "/memfd:x");
  EXPECT_EQ(PathOf(AddName("", 0)), "");
}

TEST_F(MappingPathTest, WithoutANameThereIsNoPath) {
  EXPECT_EQ(PathOf(0), "");
  EXPECT_EQ(PathOf(Room(sizeof(NameRecord))), "") << "no magic";
  EXPECT_EQ(PathOf(kKernelBase + 3), "");
  EXPECT_EQ(PathOf(~GuestPtr{0}), "");
  EXPECT_EQ(MappingPath(MemoryReader(ram_.data(), ram_.size() * 8), 12345), "");
}

TEST_F(MappingPathTest, WrongLinksEnd) {
  const GuestPtr ring = AddName("r", 0);
  At<NameRecord>(ring).directory = ring;
  EXPECT_EQ(PathOf(ring), "");
  const GuestPtr mounts = AddName("/", 0);
  At<NameRecord>(mounts).mount_point = mounts;
  EXPECT_EQ(PathOf(AddName("x", mounts)), "");
  const GuestPtr lost = AddName("x", kKernelBase + (uint64_t{1} << 40));
  EXPECT_EQ(PathOf(lost), "");
  const GuestPtr longer = AddName("x", AddName("/", 0));
  At<NameRecord>(longer).length = 256;
  EXPECT_EQ(PathOf(longer), "");
  const GuestPtr text = AddName("x", AddName("/", 0));
  At<NameRecord>(text).text = kKernelBase + (uint64_t{64} << 10) - 1;
  At<NameRecord>(text).length = 2;
  EXPECT_EQ(PathOf(text), "/") << "text beyond the end of memory";
}

// An empty name in a ring makes the path longer all the same.
TEST_F(MappingPathTest, ARingWithoutTextEnds) {
  const GuestPtr ring = AddName("", 0);
  At<NameRecord>(ring).directory = ring;
  EXPECT_EQ(PathOf(ring), "");
}

}  // namespace
}  // namespace fv::inspect
