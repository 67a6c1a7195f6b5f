// SPDX-License-Identifier: Apache-2.0
//
// Every question asked of a synthetic guest whose answer is known, and of damaged ones.
#include "src/query/query.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "src/query/testing/sample_moment.h"

namespace fv::query {
namespace {

using oracle::testing::kHeapAt;
using proto::kPageBytes;

class QueryTest : public testing::SampleMomentTest {
 protected:
  nlohmann::json Json(const absl::StatusOr<Answer>& answer) {
    EXPECT_TRUE(answer.ok()) << answer.status();
    return nlohmann::json::parse(FormatAnswer(*answer, Format::kJson));
  }
  nlohmann::json AskJson(const Words& words) { return Json(Ask(Now(), words)); }
  std::string ParentPid() { return std::to_string(Pid(sample_.parent)); }
};

TEST_F(QueryTest, ProcessesAreATreeWithTheirPages) {
  const nlohmann::json answer = AskJson({"ps"});
  const nlohmann::json& tasks = answer["tasks"];
  ASSERT_EQ(tasks.size(), Now().snapshot.tasks.size());
  const auto child = std::find_if(tasks.begin(), tasks.end(), [&](const nlohmann::json& row) {
    return row["pid"] == Pid(sample_.child);
  });
  ASSERT_NE(child, tasks.end());
  EXPECT_EQ((*child)["ppid"], Pid(sample_.parent));
  const auto& mm = sample_.guest.Peek<proto::MmRecord>(sample_.child_mm);
  EXPECT_EQ((*child)["resident"], mm.anon_pages + mm.file_pages);
  EXPECT_EQ((*child)["shared"].get<uint64_t>() + (*child)["private"].get<uint64_t>(),
            mm.anon_pages + mm.file_pages);
  // The one page of the heap that the child wrote, and its copy in the parent.
  EXPECT_GE((*child)["private"], 1);
}

TEST_F(QueryTest, PageTablesMergeNeighboursAndMarkCopyOnWrite) {
  const nlohmann::json answer = AskJson({"pt", ParentPid()});
  const nlohmann::json& ranges = answer["ranges"];
  uint64_t pages = 0;
  bool copy_on_write = false;
  for (const nlohmann::json& row : ranges) {
    pages += row["pages"].get<uint64_t>();
    copy_on_write = copy_on_write || (row["rights"] == "rc-" && row["mappers"] == 2);
  }
  uint64_t entries = 0;
  const Moment now = Now();
  for (const inspect::Mm& mm : now.snapshot.mms) {
    if (mm.address != sample_.mm) continue;
    for (const inspect::LeafTable& leaf : mm.leaves) {
      for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
        entries += now.snapshot.TableEntries(leaf.table)[i] != 0;
      }
    }
  }
  EXPECT_EQ(pages, entries);
  EXPECT_LT(ranges.size(), entries);
  EXPECT_TRUE(copy_on_write);
}

TEST_F(QueryTest, ARangeAndOneAddress) {
  char range[64];
  std::snprintf(range, sizeof(range), "0x%lx-0x%lx", kHeapAt, kHeapAt + 2 * kPageBytes);
  uint64_t pages = 0;
  const nlohmann::json ranges = AskJson({"pt", ParentPid(), range});
  for (const nlohmann::json& row : ranges["ranges"]) {
    pages += row["pages"].get<uint64_t>();
  }
  EXPECT_EQ(pages, 2u);
  std::snprintf(range, sizeof(range), "0x%lx", kHeapAt + kPageBytes);
  const nlohmann::json walk = AskJson({"pt", ParentPid(), range});
  ASSERT_EQ(walk["levels"].size(), 4u);
  EXPECT_EQ(walk["mappers"].size(), 2u) << "parent and child";
  std::snprintf(range, sizeof(range), "0x%lx", uint64_t{0x123456789000});
  EXPECT_EQ(AskJson({"pt", ParentPid(), range})["notes"].size(), 1u);
}

TEST_F(QueryTest, MapsCountWhatIsThere) {
  uint64_t present = 0;
  const nlohmann::json maps = AskJson({"maps", ParentPid()});
  for (const nlohmann::json& row : maps["mappings"]) {
    present += row["present"].get<uint64_t>();
    EXPECT_LE(row["exclusive"], row["present"]);
    EXPECT_LE(row["present"], row["pages"]);
  }
  EXPECT_GT(present, 0u);
}

TEST_F(QueryTest, FrameStatesAddUpToAllOfMemory) {
  uint64_t frames = 0;
  const nlohmann::json states = AskJson({"frames"});
  for (const nlohmann::json& row : states["states"]) {
    frames += row["frames"].get<uint64_t>();
  }
  EXPECT_EQ(frames, sample_.guest.ram_bytes() / kPageBytes);
  const uint64_t pfn = sample_.guest.ObjectPage(sample_.shared, 3);
  const nlohmann::json frame = AskJson({"frames", std::to_string(pfn)});
  EXPECT_EQ(frame["object"].size(), 1u);
  EXPECT_EQ(frame["object"][0]["page"], 3);
  EXPECT_FALSE(Ask(Now(), {"frames", "99999999"}).ok());
}

TEST_F(QueryTest, FindNamesWhoSeesTheBytes) {
  constexpr uint64_t kNeedle = 0x5EED5EED0DDBA115;
  const uint64_t pte = sample_.guest.PeekPte(sample_.mm, kHeapAt + kPageBytes);
  const uint64_t at = (pte & proto::kPteFrameMask) + 128;
  *sample_.guest.At<uint64_t>(at) = kNeedle;
  for (const char* words : {"0x5eed5eed0ddba115", "hex:15a1db0ded5eed5e"}) {
    const nlohmann::json answer = AskJson({"find", words});
    const nlohmann::json& hits = answer["hits"];
    ASSERT_EQ(hits.size(), 1u) << words;
    EXPECT_EQ(hits[0]["offset"], "0x80");
    EXPECT_NE(hits[0]["seen_by"].get<std::string>().find(", "), std::string::npos) << "both";
  }
}

TEST_F(QueryTest, DifferenceOfAForkNamesTheEntriesThatBecameCopyOnWrite) {
  const Moment before = Now(Keep::kCopy);
  const proto::GuestPtr grandchild = sample_.guest.Fork(sample_.child, 77);
  const nlohmann::json changes = Json(Difference(before, Now()));
  EXPECT_EQ(changes["tasks"].size(), 1u);
  EXPECT_EQ(changes["tasks"][0]["pid"], 77);
  // From the tables themselves: writable before, copy-on-write now.
  uint64_t expected = 0;
  for (const inspect::Mm& mm : before.snapshot.mms) {
    if (mm.address != sample_.child_mm) continue;
    for (const inspect::LeafTable& leaf : mm.leaves) {
      for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
        const proto::Pte was = before.snapshot.TableEntries(leaf.table)[i];
        const proto::Pte is =
            was == 0 ? 0 : sample_.guest.PeekPte(sample_.child_mm, leaf.base + i * kPageBytes);
        expected += (was & proto::kPteCow) == 0 && (is & proto::kPteCow) != 0;
      }
    }
  }
  uint64_t named = 0;
  const std::string owner = std::to_string(Pid(sample_.child)) + " ";
  for (const nlohmann::json& row : changes["entries"]) {
    const bool own = row["task"].get<std::string>().starts_with(owner);
    if (own && row["change"] == "copy-on-write") named += row["pages"].get<uint64_t>();
    EXPECT_FALSE(own && row["change"] != "copy-on-write") << row;
  }
  EXPECT_GT(expected, 0u);
  EXPECT_EQ(named, expected);
  EXPECT_NE(grandchild, 0u);
}

TEST_F(QueryTest, ACopyOutlivesWhatItWasTakenFrom) {
  const uint64_t at =
      sample_.guest.PeekPte(sample_.mm, kHeapAt + kPageBytes) & proto::kPteFrameMask;
  const Moment before = Now(Keep::kCopy);
  *sample_.guest.At<uint64_t>(at) ^= 0xFFFF;
  const nlohmann::json changes = Json(Difference(before, Now()));
  const nlohmann::json& frames = changes["frames"];
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0]["bytes_changed"], 2);
}

TEST_F(QueryTest, WrongQuestionsAreNamed) {
  const Words wrong[] = {{},
                         {"nothing"},
                         {"ps", "2"},
                         {"maps"},
                         {"maps", "two"},
                         {"maps", "0x"},
                         {"maps", "4294967296"},
                         {"pt", "2", "0x1-zz"},
                         {"pt", "2", ""},
                         {"frames", "-1"},
                         {"events", "many"},
                         {"find", "hex:abc"},
                         {"find", "text:"},
                         {"find", "hex:zz"}};
  for (const Words& words : wrong) {
    EXPECT_EQ(CheckQuestion(words).code(), absl::StatusCode::kInvalidArgument)
        << (words.empty() ? "" : words[0]);
  }
  EXPECT_EQ(Ask(Now(), {"maps", "31000"}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(QueryTest, ConsoleTextAlignsNumbersToTheRight) {
  const Answer answer = {{{"t", {"n", "name"}, {{uint64_t{7}, "x"}, {uint64_t{1234}, "y"}}}},
                         {"a note"}};
  EXPECT_EQ(FormatAnswer(answer, Format::kConsole),
            "   n  name\n"
            "   7  x\n"
            "1234  y\n"
            "note: a note\n");
}

// Whatever a guest writes into its structures, a question ends, in time and in order.
TEST_F(QueryTest, DamagedGuestsAreAnsweredToo) {
  std::mt19937_64 random(7);
  const Moment first = Now(Keep::kCopy);
  const Words questions[] = {{"ps"},
                             {"maps", ParentPid()},
                             {"pt", ParentPid()},
                             {"frames"},
                             {"frames", "900"},
                             {"slabs"},
                             {"events"},
                             {"find", "0x0123456789abcdef"}};
  for (int round = 0; round < 200; ++round) {
    Damage(random);
    absl::StatusOr<Moment> moment = TakeMoment(Ram(), Keep::kLive);
    if (!moment.ok()) continue;
    for (const Words& words : questions) {
      const absl::StatusOr<Answer> answer = Ask(*moment, words);
      if (answer.ok()) {
        EXPECT_FALSE(FormatAnswer(*answer, Format::kJson).empty());
      }
    }
    if (round % 20 == 0) {
      EXPECT_TRUE(Difference(first, *moment).ok());
    }
  }
}

}  // namespace
}  // namespace fv::query
