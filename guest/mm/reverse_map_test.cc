// SPDX-License-Identifier: Apache-2.0
//
// F57: from a frame to every entry that maps it: over generations, after splits, joins, moves and
// breaks of copy-on-write, for anonymous frames and for those of files. The walk of all tables in
// CheckInvariants is held against the lists after each test.
#include "guest/mm/reverse_map.h"

#include <gtest/gtest.h>
#include <linux/mman.h>

#include <set>
#include <utility>
#include <vector>

#include "guest/mm/testing/test_process.h"

namespace fv::guest {
namespace {

using testing::FakeMachine;
using testing::kAt;
using testing::kPage;
using testing::kReadWrite;
using testing::TestProcess;

using Places = std::set<std::pair<const void*, uint64_t>>;

Places PlacesOf(uint64_t pfn) {
  Places places;
  ForEachEntryOf(pfn, [&](Vma& vma, uint64_t address, proto::Pte& pte) {
    EXPECT_EQ(PfnOfPte(pte), pfn);
    EXPECT_TRUE(places.insert({reinterpret_cast<const void*>(vma.mm), address}).second);
  });
  EXPECT_EQ(places.size(), MapCount(pfn));
  return places;
}

class ReverseMapTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(FakeMachine::Get().CheckInvariants(), ""); }
};

TEST_F(ReverseMapTest, F57_GrandchildrenAreFound) {
  TestProcess parent;
  ASSERT_TRUE(parent.Map(kAt, 4).ok());
  ASSERT_TRUE(parent.Write(kAt + kPage, 1));
  TestProcess child = parent.Fork();
  TestProcess grandchild = child.Fork();
  const uint64_t pfn = parent.Pfn(kAt + kPage);
  const Places all = {
      {&parent.mm(), kAt + kPage}, {&child.mm(), kAt + kPage}, {&grandchild.mm(), kAt + kPage}};
  EXPECT_EQ(PlacesOf(pfn), all);
  ASSERT_TRUE(child.Write(kAt + kPage, 2));
  EXPECT_EQ(PlacesOf(child.Pfn(kAt + kPage)), (Places{{&child.mm(), kAt + kPage}}));
  parent.Exit();
  EXPECT_EQ(PlacesOf(pfn), (Places{{&grandchild.mm(), kAt + kPage}}));
}

TEST_F(ReverseMapTest, F57_SplitMovedAndJoinedMappingsKeepTheirLineage) {
  TestProcess parent;
  ASSERT_TRUE(parent.Map(kAt, 8).ok());
  for (uint64_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(parent.Write(kAt + i * kPage, i));
  }
  TestProcess child = parent.Fork();
  const uint64_t to = kAt + 256 * kPage;
  constexpr uint64_t kMove = MREMAP_MAYMOVE | MREMAP_FIXED;
  ASSERT_TRUE(child->Remap(kAt + 2 * kPage, 2 * kPage, 2 * kPage, kMove, to).ok());
  ASSERT_TRUE(child->Protect(kAt + 5 * kPage, kPage, proto::kVmRead).ok());
  const uint64_t moved = parent.Pfn(kAt + 3 * kPage);
  EXPECT_EQ(PlacesOf(moved), (Places{{&parent.mm(), kAt + 3 * kPage}, {&child.mm(), to + kPage}}));
  const uint64_t split = parent.Pfn(kAt + 5 * kPage);
  EXPECT_EQ(PlacesOf(split),
            (Places{{&parent.mm(), kAt + 5 * kPage}, {&child.mm(), kAt + 5 * kPage}}));
  ASSERT_TRUE(child->Protect(kAt + 5 * kPage, kPage, kReadWrite).ok());
  EXPECT_EQ(PlacesOf(split).size(), 2u);
  // What moves back is at its old place and joins what it was cut from.
  ASSERT_TRUE(child->Remap(to, 2 * kPage, 2 * kPage, kMove, kAt + 2 * kPage).ok());
  EXPECT_EQ(child->vma_count, 1u);
  EXPECT_EQ(PlacesOf(moved).size(), 2u);
}

TEST_F(ReverseMapTest, F57_MovedFramesDoNotJoinStrangers) {
  TestProcess process;
  ASSERT_TRUE(process.Map(kAt, 2).ok());
  ASSERT_TRUE(process.Map(kAt + 64 * kPage, 2).ok());
  ASSERT_TRUE(process.Write(kAt, 1));
  ASSERT_TRUE(process.Write(kAt + 64 * kPage, 2));
  constexpr uint64_t kMove = MREMAP_MAYMOVE | MREMAP_FIXED;
  ASSERT_TRUE(process->Remap(kAt + 64 * kPage, 2 * kPage, 2 * kPage, kMove, kAt + 2 * kPage).ok());
  EXPECT_EQ(process->vma_count, 2u);
  // Without frames there is nothing to keep: the mapping belongs where it comes to lie.
  ASSERT_TRUE(process.Map(kAt + 64 * kPage, 2).ok());
  ASSERT_TRUE(process->Unmap(kAt + 2 * kPage, 2 * kPage).ok());
  ASSERT_TRUE(process->Remap(kAt + 64 * kPage, 2 * kPage, 2 * kPage, kMove, kAt + 2 * kPage).ok());
  EXPECT_EQ(process->vma_count, 1u);
}

TEST_F(ReverseMapTest, F57_PartsThatMprotectCutFindOneLineage) {
  TestProcess process;
  ASSERT_TRUE(process.Map(kAt, 4).ok());
  ASSERT_TRUE(process->Protect(kAt + 2 * kPage, 2 * kPage, kReadWrite | proto::kVmExec).ok());
  ASSERT_TRUE(process.Write(kAt, 1));
  ASSERT_TRUE(process.Write(kAt + 2 * kPage, 1));
  ASSERT_TRUE(process->Protect(kAt + 2 * kPage, 2 * kPage, kReadWrite).ok());
  EXPECT_EQ(process->vma_count, 1u);
}

TEST_F(ReverseMapTest, F57_AForkedMappingTakesInNoNewOne) {
  TestProcess parent;
  ASSERT_TRUE(parent.Map(kAt, 4).ok());
  ASSERT_TRUE(parent.Write(kAt, 1));
  ASSERT_TRUE(parent->Protect(kAt + 2 * kPage, kPage, proto::kVmRead).ok());
  TestProcess child = parent.Fork();
  for (TestProcess* process : {&parent, &child}) {
    ASSERT_TRUE((*process)->Protect(kAt + 2 * kPage, kPage, kReadWrite).ok());
    ASSERT_TRUE(process->Map(kAt + 4 * kPage, 2).ok());
  }
  EXPECT_EQ(parent->vma_count, 1u);
  EXPECT_EQ(child->vma_count, 4u) << "three that the fork brought, each of its own branch";
  // Its own new mappings are one, and one that grows takes in what has no frames.
  ASSERT_TRUE(child.Write(kAt + 4 * kPage, 1));
  ASSERT_TRUE(child.Map(kAt + 6 * kPage, 2).ok());
  EXPECT_EQ(child->vma_count, 4u);
  ASSERT_TRUE(child->Unmap(kAt + 2 * kPage, 2 * kPage).ok());
  ASSERT_TRUE(child->Unmap(kAt + 4 * kPage, 4 * kPage).ok());
  ASSERT_TRUE(child.Map(kAt + 3 * kPage, 1).ok());
  ASSERT_TRUE(child->Remap(kAt, 2 * kPage, 3 * kPage, 0, 0).ok());
  EXPECT_EQ(child->vma_count, 1u);
}

TEST_F(ReverseMapTest, F58_FilePagesAreFoundInEveryMapping) {
  Ref<MemoryObject> file = MemoryObject::Create(16 * kPage).take();
  TestProcess one;
  TestProcess two;
  const uint64_t shared = kReadWrite | proto::kVmShared;
  ASSERT_TRUE(one.Map(kAt, 8, shared, file, 4).ok());
  ASSERT_TRUE(one.Map(kAt + 64 * kPage, 8, kReadWrite, file, 6).ok());
  ASSERT_TRUE(two.Map(kAt, 16, shared, file).ok());
  ASSERT_TRUE(one.Write(kAt + 3 * kPage, 7));  // page 7
  EXPECT_EQ(one.Read(kAt + 65 * kPage), 7u);
  EXPECT_EQ(two.Read(kAt + 7 * kPage), 7u);
  TestProcess child = one.Fork();
  const uint64_t pfn = two.Pfn(kAt + 7 * kPage);
  const Places all = {{&one.mm(), kAt + 3 * kPage},
                      {&one.mm(), kAt + 65 * kPage},
                      {&two.mm(), kAt + 7 * kPage},
                      {&child.mm(), kAt + 3 * kPage},
                      {&child.mm(), kAt + 65 * kPage}};
  EXPECT_EQ(PlacesOf(pfn), all);
  ASSERT_TRUE(child.Write(kAt + 65 * kPage, 8));
  EXPECT_EQ(PlacesOf(pfn).size(), 4u);
  EXPECT_EQ(PlacesOf(child.Pfn(kAt + 65 * kPage)).size(), 1u);
  ASSERT_TRUE(file->Resize(4 * kPage).ok());  // takes private copies too
  EXPECT_EQ(child.Pte(kAt + 65 * kPage), 0u);
}

TEST_F(ReverseMapTest, F57_AFrameThatIsOnlyPinnedHasNoMappers) {
  uint64_t pfn = 0;
  {
    TestProcess process;
    ASSERT_TRUE(process.Map(kAt, 1).ok());
    ASSERT_TRUE(process.Write(kAt, 1));
    pfn = process.Pfn(kAt);
    PinFrame(pfn);
    EXPECT_EQ(PlacesOf(pfn).size(), 1u);
  }
  EXPECT_EQ(PlacesOf(pfn).size(), 0u);
  UnpinFrame(pfn);
}

TEST_F(ReverseMapTest, F67_AGrownStackKeepsItsIndices) {
  TestProcess parent;
  const uint64_t top = kAt + 1024 * kPage;
  ASSERT_TRUE(parent.Map(top - kPage, 1, kReadWrite | proto::kVmGrowsDown).ok());
  ASSERT_TRUE(parent.Write(top - kPage, 1));
  TestProcess child = parent.Fork();
  ASSERT_TRUE(child.Write(top - 10 * kPage, 1));
  EXPECT_EQ(PlacesOf(parent.Pfn(top - kPage)).size(), 2u);
}

}  // namespace
}  // namespace fv::guest
