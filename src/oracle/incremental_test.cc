// SPDX-License-Identifier: Apache-2.0
//
// The incremental checker against the full one: random operations of a healthy guest, then random
// damage, and both have to find the same. Every seed is a different history.
#include "src/oracle/incremental.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <tuple>

#include "src/inspect/snapshot_reader.h"
#include "src/model/events.h"
#include "src/oracle/full_checker.h"
#include "src/oracle/testing/sample_guest.h"

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
class World {
 public:
  explicit World(uint32_t seed)
      : random_(seed),
        checker_(g().memory(), g().channel()),
        model_(g().memory().frames()),
        full_(g().memory()),
        reader_(g().memory(), g().channel()) {
    processes_ = {{sample_.child, sample_.child_mm}};
    Step();
  }

  GuestBuilder& g() { return sample_.guest; }
  uint64_t Random(uint64_t below) { return random_() % below; }

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

  // One operation that keeps every invariant.
  void Operate() {
    const size_t index = Random(processes_.size());
    const auto [task, mm] = processes_[index];
    const std::vector<GuestPtr> vmas = g().Vmas(mm);
    switch (Random(9)) {
      case 0:
        if (processes_.size() < 6) {
          const GuestPtr child = g().Fork(task, next_pid_++);
          processes_.push_back({child, g().Peek<proto::TaskRecord>(child).mm});
          if (Random(2) == 0) {
            g().LeadSession(child);
          }
        }
        return;
      case 1:
        if (processes_.size() > 1) {
          g().RemoveTask(task);
          processes_.erase(processes_.begin() + static_cast<std::ptrdiff_t>(index));
        }
        return;
      case 2:
        if (vmas.size() < 12) {
          const uint64_t flags =
              proto::kVmRead | proto::kVmWrite | (Random(4) == 0 ? proto::kVmDontCopy : 0);
          g().AddVma(mm, 0x20000000 + Random(64) * 16 * kPageBytes + (next_ += 0x40000000),
                     1 + Random(12), flags);
        }
        return;
      case 3:
        if (vmas.size() > 2) {
          g().RemoveVma(vmas[Random(vmas.size())]);
        }
        return;
      case 4:
        g().ProtectReadOnly(vmas[Random(vmas.size())]);
        OpenFile(task);
        return;
      default:
        TouchSome(mm, vmas[Random(vmas.size())]);
    }
  }

  void OpenFile(GuestPtr task) {
    const uint64_t used =
        g().Peek<proto::FdTableRecord>(g().Peek<proto::TaskRecord>(task).files).first.used;
    if (~used != 0) {
      g().OpenFile(task, static_cast<uint32_t>(std::countr_one(used)), g().AddFile());
    }
  }

  void TouchSome(GuestPtr mm, GuestPtr address) {
    const proto::VmaRecord vma = g().Peek<proto::VmaRecord>(address);
    for (uint64_t va = vma.start; va < vma.end; va += kPageBytes) {
      if (Random(2) == 0) {
        g().Touch(mm, address, va, (vma.flags & proto::kVmWrite) != 0 && Random(2) == 0);
      }
    }
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
    const auto& [task, mm] = processes_[Random(processes_.size())];
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
            g().Peek<proto::PidRecord>(g().Peek<proto::TaskRecord>(sample_.inner).id).deeper;
        gpa = proto::PhysOfDirectMap(Random(2) == 0 ? sample_.space : deeper) + 8 * Random(5);
        break;
      }
      default:
        gpa = proto::PhysOfDirectMap(Random(2) == 0 ? sample_.file : sample_.shared) + 24 +
              8 * Random(4);
    }
    if (gpa == 0) {
      return [] {};
    }
    *g().At<uint64_t>(gpa) ^= mask;
    return [this, gpa, mask] { *g().At<uint64_t>(gpa) ^= mask; };
  }

 private:
  testing::SampleGuest sample_;
  std::mt19937_64 random_;
  IncrementalChecker checker_;
  model::World model_;
  FullChecker full_;
  inspect::SnapshotReader reader_;
  std::vector<std::pair<GuestPtr, GuestPtr>> processes_;  // task, mm
  uint32_t next_pid_ = 10;
  uint64_t next_ = 0;
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
