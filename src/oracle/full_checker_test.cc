// SPDX-License-Identifier: Apache-2.0
//
// The full checker as a whole: a healthy guest is not accused, a saved one is as good as a live
// one, and a finding names everything. The rules have tests of their own.
#include "src/oracle/full_checker.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdio>
#include <string>

#include "src/inspect/snapshot_reader.h"
#include "src/oracle/testing/full_check.h"

namespace fv::oracle {
namespace {

using proto::kPageBytes;
using testing::kHeapAt;

using FullCheckerTest = testing::FullCheckTest;

TEST_F(FullCheckerTest, CleanGuestIsNotAccused) {
  EXPECT_EQ(Names(Check()), "");
  EXPECT_EQ(walked(), 2 * (4 + 4 + 4 + 8 + 1 + 1));
}

// A saved guest is as good as a live one: memory is read through an address and a size.
TEST_F(FullCheckerTest, SavedGuestIsReadTheSame) {
  *PteAt(sample_.mm, kHeapAt + kPageBytes) |= proto::kPteWritable;
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  const uint64_t bytes = g().ram_bytes();
  ASSERT_EQ(std::fwrite(g().ram(), 1, bytes, file), bytes);
  std::fflush(file);
  void* mapped = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fileno(file), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  const inspect::MemoryReader memory(mapped, bytes);
  const auto channel =
      inspect::ChannelView::Open(memory, testing::kTestChannelGpa, proto::kChannelBytes);
  ASSERT_TRUE(channel.ok());
  inspect::Snapshot snapshot;
  ASSERT_TRUE(inspect::SnapshotReader(memory, *channel).ReadInto(snapshot).ok());
  Findings findings;
  FullChecker(memory).Check(snapshot, findings);
  EXPECT_EQ(Names(findings.list()), Names(Check()));
  EXPECT_FALSE(findings.list().empty());
  munmap(mapped, bytes);
  std::fclose(file);
}

TEST_F(FullCheckerTest, CleanAfterEverybodyDied) {
  g().RemoveTask(sample_.thread);
  g().RemoveTask(sample_.parent);
  g().RemoveTask(sample_.child);
  EXPECT_EQ(Names(Check()), "");
}

TEST_F(FullCheckerTest, FindingNamesEverything) {
  *PteAt(sample_.mm, kHeapAt + kPageBytes) |= proto::kPteWritable;
  const Finding finding = Expect(Rule::kWritableShared);
  proto::EventRecord event = {};
  event.kind = proto::EventKind::kCowBreak;
  event.pid = 3;
  event.a = kHeapAt;
  const std::string text = FindingText(finding, {&event, 1});
  for (const char* part : {"I1 broken", "pid 2 (task)", "0x10001000", "PWC--U", "anon refs 2",
                           "cow-break address=0x10000000"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in\n" << text;
  }
}

}  // namespace
}  // namespace fv::oracle
