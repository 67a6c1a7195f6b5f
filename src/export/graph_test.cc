// SPDX-License-Identifier: Apache-2.0
//
// Figures of a synthetic guest: what they count, that they are well-formed and that Graphviz reads
// them, of damaged guests too.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "src/export/file_question.h"
#include "src/export/graph_text.h"
#include "src/query/testing/sample_moment.h"
#include "vmm/fd.h"

namespace fv::exports {
namespace {

using oracle::testing::kHeapAt;
using proto::kPageBytes;

class GraphTest : public query::testing::SampleMomentTest {
 protected:
  AddressMap Map(proto::GuestPtr task, size_t most_rows = 100) {
    const query::Moment moment = Now();
    absl::StatusOr<AddressMap> map = MapAddresses(moment, Pid(task), most_rows);
    EXPECT_TRUE(map.ok()) << map.status();
    return *std::move(map);
  }
  SharingGraph Graph(const std::vector<uint32_t>& pids) {
    const query::Moment moment = Now();
    absl::StatusOr<SharingGraph> graph = GraphOf(moment, pids);
    EXPECT_TRUE(graph.ok()) << graph.status();
    return *std::move(graph);
  }
};

// Every element closed in the order of opening.
void ExpectWellFormed(const std::string& markup) {
  std::vector<std::string> open;
  for (size_t at = markup.find('<'); at != std::string::npos; at = markup.find('<', at + 1)) {
    const size_t end = markup.find('>', at);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = markup.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(0, tag.find(' '));
    if (tag.front() == '/') {
      ASSERT_FALSE(open.empty());
      ASSERT_EQ(tag.substr(1), open.back());
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(markup.find("nan"), std::string::npos);
}

// Graphviz takes it.
void ExpectGraphviz(const std::string& text) {
  std::FILE* dot = popen("/usr/bin/dot -Tsvg -o /dev/null 2>&1", "w");
  ASSERT_NE(dot, nullptr);
  EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), dot), text.size());
  EXPECT_EQ(pclose(dot), 0) << text;
}

uint64_t PagesOf(const AddressMap& map, PageState state) {
  return map.pages[static_cast<size_t>(state)];
}

TEST_F(GraphTest, AnAddressSpaceIsItsMappingsAndPages) {
  const AddressMap map = Map(sample_.child);
  const std::vector<proto::GuestPtr> vmas = sample_.guest.Vmas(sample_.child_mm);
  ASSERT_EQ(map.rows.size(), vmas.size());
  uint64_t all = 0;
  for (size_t i = 0; i < vmas.size(); ++i) {
    const auto& vma = sample_.guest.Peek<proto::VmaRecord>(vmas[i]);
    EXPECT_EQ(map.rows[i].start, vma.start);
    EXPECT_EQ(map.rows[i].pages, (vma.end - vma.start) / kPageBytes);
    uint64_t pages = 0;
    for (const Stretch& stretch : map.rows[i].stretches) pages += stretch.pages;
    EXPECT_EQ(pages, map.rows[i].pages);
    all += pages;
  }
  uint64_t counted = 0;
  for (const uint64_t pages : map.pages) counted += pages;
  EXPECT_EQ(counted, all);
  EXPECT_GT(PagesOf(map, PageState::kCopyOnWrite), 0u);
  EXPECT_GT(PagesOf(map, PageState::kOwn), 0u) << "the page of the heap that it has written";
  EXPECT_EQ(PagesOf(map, PageState::kBroken), 0u);
  // A kernel that forgets to take the right to write away: the entry of the page that they share.
  for (uint64_t page = 0; page < oracle::testing::kPrivatePages; ++page) {
    const proto::Pte pte = sample_.guest.PeekPte(sample_.child_mm, kHeapAt + page * kPageBytes);
    if ((pte & proto::kPteCow) == 0) continue;
    sample_.guest.SetPte(sample_.child_mm, kHeapAt + page * kPageBytes,
                         (pte | proto::kPteWritable) & ~proto::kPteCow);
    break;
  }
  EXPECT_EQ(PagesOf(Map(sample_.child), PageState::kBroken), 1u);
}

TEST_F(GraphTest, ManyMappingsAreJoined) {
  const AddressMap map = Map(sample_.parent);
  const AddressMap joined = Map(sample_.parent, 2);
  EXPECT_LE(joined.rows.size(), 2u);
  EXPECT_EQ(joined.pages, map.pages);
  EXPECT_EQ(joined.rows.back().end, map.rows.back().end);
}

TEST_F(GraphTest, SharingCountsEveryFrameOnceAndEveryEntryOnce) {
  const SharingGraph graph = Graph({});
  const query::Moment moment = Now();
  const query::MappingIndex index(moment.snapshot);
  uint64_t mapped = 0;
  uint64_t entries = 0;
  for (uint64_t pfn = 0; pfn < moment.snapshot.frames.size(); ++pfn) {
    mapped += index.Count(pfn) != 0;
    entries += index.Count(pfn);
  }
  uint64_t frames = 0;
  uint64_t counted = 0;
  for (const FrameGroup& group : graph.groups) {
    if (group.look != PageState::kZero) frames += group.frames;
    EXPECT_FALSE(group.others);
  }
  for (const Edge& edge : graph.frames) {
    if (graph.groups[edge.to].look != PageState::kZero) counted += edge.count;
  }
  EXPECT_EQ(frames, mapped);
  EXPECT_EQ(counted, entries) << "no page table is shared in this guest";
  const auto copy_on_write =
      std::find_if(graph.groups.begin(), graph.groups.end(), [](const FrameGroup& group) {
        return group.look == PageState::kCopyOnWrite && group.mappers == 2;
      });
  ASSERT_NE(copy_on_write, graph.groups.end());
  EXPECT_EQ(copy_on_write->frames, PagesOf(Map(sample_.child), PageState::kCopyOnWrite));
}

TEST_F(GraphTest, WhoIsNotInTheGraphIsStillSaidToMapTheFrames) {
  const SharingGraph graph = Graph({Pid(sample_.child)});
  EXPECT_EQ(graph.sources.size(), 1u);
  EXPECT_TRUE(std::any_of(graph.groups.begin(), graph.groups.end(), [](const FrameGroup& group) {
    return group.look == PageState::kCopyOnWrite && group.mappers == 1 && group.others;
  }));
}

// 600 processes with shared tables, as numbers: what a figure joins, and what it refuses.
TEST_F(GraphTest, TooManyProcessesAreRefused) {
  for (uint32_t pid = 100; pid < 100 + kMostAddressSpaces; ++pid) {
    sample_.guest.Fork(sample_.child, pid);
  }
  const query::Moment moment = Now();
  EXPECT_EQ(GraphOf(moment, {}).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(GraphOf(moment, {100, 101, 102}).ok());
  EXPECT_EQ(GraphOf(moment, {31000}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(GraphTest, FiguresAreWellFormed) {
  ExpectWellFormed(AddressSvg(Map(sample_.parent)));
  ExpectWellFormed(SharingSvg(Graph({})));
}

TEST_F(GraphTest, GraphvizTakesWhatIsForIt) {
  if (access("/usr/bin/dot", X_OK) != 0) GTEST_SKIP() << "/usr/bin/dot is missing (graphviz)";
  ExpectGraphviz(AddressDot(Map(sample_.parent)));
  ExpectGraphviz(SharingDot(Graph({})));
}

TEST_F(GraphTest, ALongMappingIsSqueezedAndLosesNoState) {
  AddressMap map;
  map.user = "2 \"<&>\\";
  map.rows.push_back({0,
                      100'000 * kPageBytes,
                      1,
                      "rw-p",
                      "anonymous",
                      100'000,
                      {{50'000, PageState::kCopyOnWrite},
                       {1, PageState::kOwn},
                       {49'998, PageState::kCopyOnWrite},
                       {1, PageState::kBroken}}});
  map.rows.push_back({0, 41 * kPageBytes, 1, "rw-p", "anonymous", 41, {{41, PageState::kOwn}}});
  for (size_t i = 0; i < kPageStates; ++i) map.pages[i] = 1;
  const std::string svg = AddressSvg(map);
  ExpectWellFormed(svg);
  EXPECT_LT(svg.size(), 16'000u) << "neighbours of one look are one piece";
  const std::string own = std::string("fill=\"") + LookOf(PageState::kOwn).colour + "\"";
  size_t pieces = 0;
  for (size_t at = svg.find(own); at != std::string::npos; at = svg.find(own, at + 1)) ++pieces;
  EXPECT_EQ(pieces, 3u) << "one page of 100,000, the second mapping, the legend";
}

TEST_F(GraphTest, SharedTablesAreDrawnOnceAndManyAsOne) {
  SharingGraph graph;
  graph.address_spaces = 2;
  for (const char* task : {"2 \"a\"", "3 b"}) {
    Source space;
    space.tasks = {task};
    space.tables = 7;
    graph.sources.push_back(space);
  }
  Source tables;
  tables.kind = Source::Kind::kTables;
  tables.tables = 403;
  graph.sources.push_back(tables);
  graph.groups = {{PageState::kSharedTable, 204'000, 1, false}};
  graph.tables = {{0, 2, 403}, {1, 2, 403}};
  graph.frames = {{2, 0, 204'000}};
  const std::string svg = SharingSvg(graph);
  ExpectWellFormed(svg);
  EXPECT_EQ(svg.find("403 page tables"), svg.rfind("403 page tables"));
  EXPECT_NE(svg.find("204,000 frames"), std::string::npos);
  EXPECT_NE(svg.find("7 own page tables"), std::string::npos);
}

// Two address spaces, three tables that they share, and frames behind these and past them.
TEST_F(GraphTest, LinesPastSharedTablesGoBelowThem) {
  SharingGraph graph;
  graph.address_spaces = 2;
  graph.sources.resize(5);
  for (size_t table = 2; table < 5; ++table) {
    graph.sources[table].kind = Source::Kind::kTables;
    graph.groups.push_back({PageState::kSharedTable, 512, 1, false});
    graph.frames.push_back({table, table - 2, 512});
    for (size_t space = 0; space < 2; ++space) graph.tables.push_back({space, table, 1});
  }
  graph.groups.push_back({PageState::kFile, 9, 2, false});
  graph.frames.insert(graph.frames.end(), {{0, 3, 9}, {1, 3, 9}});
  const std::string svg = SharingSvg(graph);
  ExpectWellFormed(svg);
  double lowest = 0;  // of the lines that come from a table
  std::vector<double> past;
  for (size_t at = svg.find("d=\"M"); at != std::string::npos; at = svg.find("d=\"M", at + 1)) {
    double x1, y1, x2, y2;
    const int read =
        std::sscanf(svg.c_str() + at, "d=\"M%lf,%lfC%*f,%*f %*f,%*f %lf,%lf", &x1, &y1, &x2, &y2);
    if (read != 4) continue;  // of a pattern
    if (x2 - x1 > 200) {
      EXPECT_EQ(y1, y2);
      past.push_back(y1);
    } else if (x1 > 300) {
      lowest = std::max(lowest, y1);
    }
  }
  ASSERT_EQ(past.size(), 2u);
  EXPECT_GT(lowest, 0);
  for (const double y : past) EXPECT_GT(y, lowest);
}

TEST_F(GraphTest, TheFileSaysInWhichForm) {
  EXPECT_EQ(WordsFor({"graph", "2"}, "/a/b.svg")->front(), "graph.svg");
  EXPECT_EQ(WordsFor({"graph"}, "b.dot")->front(), "graph.dot");
  EXPECT_EQ(WordsFor({"core", "2"}, "b.dot")->front(), "core");
  for (const char* path : {"b", "b.png", "b.svg/c", ""}) {
    EXPECT_FALSE(WordsFor({"graph"}, path).ok()) << path;
  }
  EXPECT_FALSE(AskForFile(nullptr, {"graph.svg", "two"}, -1).ok());
  EXPECT_TRUE(AskForFile(nullptr, {"graph.svg", "2", "3"}, -1).ok());
}

TEST_F(GraphTest, DamagedGuestsAreDrawnToo) {
  std::mt19937_64 random(11);
  const std::string pid = std::to_string(Pid(sample_.parent));
  const vmm::Fd fd(memfd_create("figure", MFD_CLOEXEC));
  for (int round = 0; round < 100; ++round) {
    Damage(random);
    const absl::StatusOr<query::Moment> moment = query::TakeMoment(Ram(), query::Keep::kLive);
    if (!moment.ok()) continue;
    for (const query::Words& words :
         {query::Words{"graph.svg"}, {"graph.svg", pid}, {"graph.dot"}, {"graph.dot", pid}}) {
      (void)AskForFile(&*moment, words, fd.get());
    }
  }
}

}  // namespace
}  // namespace fv::exports
