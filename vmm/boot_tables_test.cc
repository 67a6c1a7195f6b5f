// SPDX-License-Identifier: Apache-2.0
//
// Walks the tables as a CPU would and looks at what it finds.
#include "vmm/boot_tables.h"

#include <gtest/gtest.h>

#include <optional>

#include "proto/layout.h"
#include "proto/pte.h"
#include "vmm/error.h"

namespace fv::vmm {
namespace {

using namespace proto;  // NOLINT: the names of layout and entries, all over this test

constexpr uint64_t kTablesGpa = kImagePhys + 64 * kPageBytes;

LoadedImage SomeImage() {
  LoadedImage image{};
  image.entry_gva = DirectMap(kImagePhys);
  image.segments = {{kImagePhys, 2 * kPageBytes, false, true},
                    {kImagePhys + 2 * kPageBytes, 100, false, false},
                    {kImagePhys + 8 * kPageBytes, 3 * kPageBytes, true, false}};
  image.end_gpa = kImagePhys + 11 * kPageBytes;
  return image;
}

struct Translation {
  uint64_t gpa;
  unsigned level;
  Pte leaf;
  bool user;      // at every level
  bool accessed;  // at every level
};

std::optional<Translation> Walk(const GuestMemory& memory, uint64_t root, uint64_t gva) {
  Translation result{0, 0, 0, true, true};
  uint64_t table = root;
  for (unsigned level = kPageTableLevels; level >= 1; --level) {
    const Pte entry = *memory.Load<Pte>(table + sizeof(Pte) * TableIndex(gva, level));
    if ((entry & kPtePresent) == 0) return std::nullopt;
    result.user = result.user && (entry & kPteUser) != 0;
    result.accessed = result.accessed && (entry & kPteAccessed) != 0;
    if (level == 1 || (entry & kPteHuge) != 0) {
      const uint64_t offset = gva & (EntrySpan(level) - 1);
      result.gpa = (entry & kPteFrameMask) + offset;
      result.level = level;
      result.leaf = entry;
      return result;
    }
    table = entry & kPteFrameMask;
  }
  return std::nullopt;
}

bool Writable(const Translation& t) { return (t.leaf & kPteWritable) != 0; }
bool Executable(const Translation& t) { return (t.leaf & kPteNoExecute) == 0; }

class BootTablesTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(BootTablesTest, MapsRamOnceWithTheImagesPermissions) {
  GuestMemory memory(kMinRamBytes);
  const BootTables tables = BuildBootTables(memory, SomeImage(), kTablesGpa, GetParam());
  EXPECT_EQ(tables.root_gpa, kTablesGpa);
  EXPECT_FALSE(Walk(memory, tables.root_gpa, DirectMap(0))) << "page 0";
  for (uint64_t gpa = kPageBytes; gpa < memory.size(); gpa += kPageBytes) {
    const auto found = Walk(memory, tables.root_gpa, DirectMap(gpa) + 5);
    ASSERT_TRUE(found) << gpa;
    ASSERT_EQ(found->gpa, gpa + 5);
    ASSERT_EQ(found->level, gpa < kHugePageBytes ? 1u : 2u);
    ASSERT_EQ(found->user, GetParam() == 3);
    ASSERT_EQ((found->leaf & kPteGlobal) != 0, GetParam() == 0) << "the same in every root";
    ASSERT_TRUE(found->accessed && (found->leaf & kPteDirty) != 0);
    ASSERT_FALSE(Writable(*found) && Executable(*found)) << gpa;
    const uint64_t image_page = (gpa - kImagePhys) / kPageBytes;
    const bool text = gpa >= kImagePhys && image_page < 2;
    const bool constant = gpa >= kImagePhys && image_page == 2;
    ASSERT_EQ(Executable(*found), text) << gpa;
    ASSERT_EQ(Writable(*found), !text && !constant) << gpa;
  }
}

TEST_P(BootTablesTest, DoorbellIsASmallPageAboveRam) {
  for (uint64_t ram :
       {kMinRamBytes, uint64_t{1} << 30, (uint64_t{8} << 30) + kHugePageBytes, kMaxRamBytes}) {
    GuestMemory memory(ram);
    const BootTables tables = BuildBootTables(memory, SomeImage(), kTablesGpa, GetParam());
    const auto doorbell = Walk(memory, tables.root_gpa, DirectMap(DoorbellPhys(ram)));
    ASSERT_TRUE(doorbell) << ram;
    EXPECT_EQ(doorbell->gpa, ram);
    EXPECT_EQ(doorbell->level, 1u);
    EXPECT_TRUE(Writable(*doorbell) && !Executable(*doorbell));
    EXPECT_FALSE(Walk(memory, tables.root_gpa, DirectMap(ram + kPageBytes)));
    EXPECT_EQ(Walk(memory, tables.root_gpa, DirectMap(ram - 1))->gpa, ram - 1);
    EXPECT_FALSE(Walk(memory, tables.root_gpa, kUserStart));
  }
}

TEST_P(BootTablesTest, TablesEndWhereTheySay) {
  GuestMemory memory(kMinRamBytes);
  const BootTables tables = BuildBootTables(memory, SomeImage(), kTablesGpa, GetParam());
  EXPECT_EQ(tables.end_gpa, kTablesGpa + 5 * kPageBytes) << "PML4, PDPT, PD, image, doorbell";
  for (uint64_t gpa = tables.end_gpa; gpa < tables.end_gpa + kHugePageBytes; gpa += 8) {
    ASSERT_EQ(memory.Load<uint64_t>(gpa), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Rings, BootTablesTest, ::testing::Values(0u, 3u));

TEST(BootTablesTest, TooLittleRoomIsAnError) {
  GuestMemory memory(kMinRamBytes);
  EXPECT_THROW(BuildBootTables(memory, SomeImage(), memory.size() - 2 * kPageBytes, 3), VmmError);
}

}  // namespace
}  // namespace fv::vmm
