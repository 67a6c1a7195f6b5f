// SPDX-License-Identifier: Apache-2.0
//
// The incremental checker against the full one: random operations of a healthy guest, then random
// damage, and both have to find the same. Every seed is a different history.
#include "src/oracle/incremental.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <tuple>

#include "src/inspect/snapshot_reader.h"
#include "src/model/events.h"
#include "src/oracle/full_checker.h"
#include "src/oracle/testing/random_history.h"

namespace fv::oracle {
namespace {

using proto::kPageBytes;
using testing::GuestBuilder;
using testing::GuestPtr;

using Key = std::tuple<std::string, uint64_t, uint64_t>;

// Where a frame is mapped more than once, which mapping is named is a matter of taste.
bool ByFrame(Rule rule) {
  return rule == Rule::kWritableShared || rule == Rule::kSharedNotCow || rule == Rule::kFrameRefs ||
         rule == Rule::kOrphanFilePage || rule == Rule::kTableRefs || rule == Rule::kTableState ||
         rule == Rule::kSharedTableWritable || rule == Rule::kSharedTableUnmarked;
}

constexpr unsigned kModel = 21;
constexpr unsigned kAttribution = 22;

bool OfTransition(Rule rule) {
  const unsigned invariant = InvariantOf(rule);
  return invariant == 6 || invariant == 7 || invariant == kModel || invariant == kAttribution ||
         rule == Rule::kForkVmas || rule == Rule::kLeftBehind;
}

std::set<Key> Keys(const Findings& findings) {
  std::set<Key> keys;
  for (const Finding& finding : findings.list()) {
    if (OfTransition(finding.rule)) {
      continue;
    }
    const bool by_frame = ByFrame(finding.rule);
    keys.insert({RuleName(finding.rule), by_frame ? 0 : finding.mm,
                 by_frame ? *finding.pfn : finding.address});
  }
  return keys;
}

std::string Text(const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings.list()) {
    text += FindingText(finding, {});
  }
  return text;
}

// A guest under random operations, with both checkers on it.
class World : public testing::RandomHistory {
 public:
  explicit World(uint32_t seed)
      : RandomHistory(seed),
        checker_(g().memory(), g().channel()),
        model_(g().memory().frames()),
        full_(g().memory()),
        reader_(g().memory(), g().channel()) {
    Step();
  }

  // Both checks; returns the incremental findings, transitions included.
  Findings Step() {
    Findings findings(100000);
    const std::vector<proto::EventRecord> events = g().TakeEvents();
    for (const proto::EventRecord& event : events) {
      model::Follow(event, model_);
    }
    EXPECT_TRUE(checker_
                    .Step({proto::SafepointKind::kSyscall, g().dirty(), events,
                           ContentGuard::Gap::kNone, &model_},
                          findings)
                    .ok());
    model_.BeginInterval();
    g().ClearDirty();
    return findings;
  }
  Findings Full() {
    inspect::Snapshot snapshot;
    EXPECT_TRUE(reader_.ReadInto(snapshot).ok());
    Findings findings(100000);
    full_.Check(snapshot, findings);
    return findings;
  }

  // A word of something that the task shares.
  uint64_t DamagedShare(const proto::TaskRecord& task) {
    const std::pair<GuestPtr, uint64_t> shares[] = {
        {task.signal, sizeof(proto::SignalRecord)},
        {task.sighand, 16},
        {task.credentials, 24},
        {task.files, sizeof(proto::FdTableRecord)},
        {task.fs, sizeof(proto::FsRecord)},
        {task.pending_at, sizeof(proto::PendingRecord)}};
    const auto& [address, bytes] = shares[Random(6)];
    return proto::PhysOfDirectMap(address) + 8 * Random(bytes / 8);
  }

  // Damages one word that means something; returns how to put it back.
  std::function<void()> Damage() {
    const auto& [task, mm] = processes()[Random(processes().size())];
    const std::vector<GuestPtr> vmas = g().Vmas(mm);
    const GuestPtr vma = vmas[Random(vmas.size())];
    uint64_t gpa = 0;
    uint64_t mask = uint64_t{1} << Random(64);
    switch (Random(10)) {
      case 0:
      case 1: {
        const proto::VmaRecord record = g().Peek<proto::VmaRecord>(vma);
        gpa = g().PteGpa(
            mm, record.start + Random((record.end - record.start) / kPageBytes) * kPageBytes,
            GuestBuilder::Tables::kFind);
        const uint64_t bits[] = {0, 1, 9, 10, 12, 13, 20, 63};
        mask = uint64_t{1} << bits[Random(8)];
        break;
      }
      case 2:
        gpa = proto::PhysOfDirectMap(g().header().frame_table) +
              16 * (0x300 + Random(g().header().frame_high_water - 0x300));
        break;
      case 3:
        gpa = proto::PhysOfDirectMap(vma) + 16 + 8 * Random(11);
        break;
      case 4:
        gpa = proto::PhysOfDirectMap(mm) + 8 * Random(19);
        break;
      case 5:
        gpa = proto::PhysOfDirectMap(task) + 8 * Random(sizeof(proto::TaskRecord) / 8);
        break;
      case 8:
        gpa = DamagedShare(g().Peek<proto::TaskRecord>(task));
        break;
      case 6:
        gpa = proto::PhysOfDirectMap(g().Peek<proto::TaskRecord>(task).id) + 8 * Random(15);
        break;
      case 7: {
        const GuestPtr deeper =
            g().Peek<proto::PidRecord>(g().Peek<proto::TaskRecord>(sample().inner).id).deeper;
        gpa = proto::PhysOfDirectMap(Random(2) == 0 ? sample().space : deeper) + 8 * Random(5);
        break;
      }
      default:
        gpa = proto::PhysOfDirectMap(Random(2) == 0 ? sample().file : sample().shared) + 24 +
              8 * Random(4);
    }
    if (gpa == 0) {
      return [] {};
    }
    *g().At<uint64_t>(gpa) ^= mask;
    return [this, gpa, mask] { *g().At<uint64_t>(gpa) ^= mask; };
  }

 private:
  IncrementalChecker checker_;
  model::World model_;
  FullChecker full_;
  inspect::SnapshotReader reader_;
};

class Histories : public ::testing::TestWithParam<uint32_t> {};

TEST_P(Histories, HealthyGuestIsNeverAccused) {
  World world(GetParam());
  for (int i = 0; i < 120; ++i) {
    world.Operate();
    ASSERT_EQ(Text(world.Step()), "") << "operation " << i;
    if (i % 8 == 0) {
      ASSERT_EQ(Text(world.Full()), "") << "operation " << i;
    }
  }
}

TEST_P(Histories, SeveralOperationsInOneStep) {
  World world(GetParam());
  for (int i = 0; i < 40; ++i) {
    for (uint64_t n = world.Random(6); n > 0; --n) {
      world.Operate();
    }
    ASSERT_EQ(Keys(world.Step()), Keys(world.Full())) << "step " << i;
  }
}

TEST_P(Histories, DamageIsFoundAsByTheFullCheck) {
  World world(GetParam());
  unsigned found = 0;
  for (int i = 0; i < 150; ++i) {
    if (i % 3 == 0) {
      world.Operate();
      world.Step();
    }
    const std::function<void()> repair = world.Damage();
    const Findings damaged = world.Step();
    const std::set<Key> expected = Keys(world.Full());
    ASSERT_EQ(Keys(damaged), expected) << "damage " << i << "\n"
                                       << Text(damaged) << "\nfull\n"
                                       << Text(world.Full());
    found += expected.empty() ? 0 : 1;
    repair();
    const Findings repaired = world.Step();
    ASSERT_EQ(Keys(repaired), std::set<Key>{}) << "repair of damage " << i << "\n"
                                               << Text(repaired);
  }
  EXPECT_GT(found, 40u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Histories, ::testing::Range(1u, 61u));

}  // namespace
}  // namespace fv::oracle
