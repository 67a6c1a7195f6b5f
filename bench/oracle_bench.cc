// SPDX-License-Identifier: Apache-2.0
//
// What the oracle costs, on a synthetic guest with the given number of pages mapped (262,144 = 1
// GiB): the full walk, the first incremental step, and the incremental step after a copy-on-write
// break of one page. The last must not grow with the mapped size but for the frames that a fork
// shared and whose contents are yet to be hashed, 256 in a step.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "src/inspect/snapshot_reader.h"
#include "src/oracle/full_checker.h"
#include "src/oracle/incremental.h"
#include "src/oracle/testing/guest_builder.h"

namespace fv::oracle {
namespace {

using proto::kPageBytes;
using testing::GuestBuilder;
using testing::GuestPtr;
using Events = std::vector<proto::EventRecord>;

constexpr uint64_t kAt = 0x10000000;
constexpr uint64_t kRam = uint64_t{4} << 30;

// One process with `pages` private pages, all written, in 4 GiB of RAM. Frames are mapped, not
// touched: the walk reads tables and records, never contents.
struct MappedGuest {
  explicit MappedGuest(uint64_t pages) : guest(kRam) {
    mm = guest.AddMm();
    vma = guest.AddVma(mm, kAt, pages + 8, proto::kVmRead | proto::kVmWrite);
    task = guest.AddTask(2, guest.init_task(), mm);
    for (uint64_t i = 0; i < pages; ++i) {
      guest.Touch(mm, vma, kAt + i * kPageBytes, oracle::testing::Access::kWrite);
    }
  }
  GuestBuilder guest;
  GuestPtr mm, vma, task;
};

void Skip(benchmark::State& state, const Findings& findings) {
  const std::string why = findings.list().empty()
                              ? "the guest is not readable"
                              : "a clean guest was accused: " + findings.list().front().sentence;
  state.SkipWithError(why.c_str());
}

void FullWalk(benchmark::State& state) {
  MappedGuest mapped(static_cast<uint64_t>(state.range(0)));
  inspect::SnapshotReader reader(mapped.guest.memory(), mapped.guest.channel());
  inspect::Snapshot snapshot;
  FullChecker checker(mapped.guest.memory());
  for (auto _ : state) {
    Findings findings;
    if (!reader.ReadInto(snapshot).ok()) {
      Skip(state, findings);
      break;
    }
    checker.Check(snapshot, findings);
    if (!findings.list().empty()) {
      Skip(state, findings);
      break;
    }
  }
  state.counters["ptes"] = static_cast<double>(checker.walked_ptes());
}
BENCHMARK(FullWalk)->ArgName("pages")->Arg(1)->Arg(4096)->Arg(65536)->Arg(262144)->Unit(
    benchmark::kMillisecond);

void FirstStep(benchmark::State& state) {
  MappedGuest mapped(static_cast<uint64_t>(state.range(0)));
  for (auto _ : state) {
    Findings findings;
    IncrementalChecker checker(mapped.guest.memory(), mapped.guest.channel());
    if (!checker.Step({}, findings).ok() || !findings.list().empty()) {
      Skip(state, findings);
      break;
    }
  }
}
BENCHMARK(FirstStep)->ArgName("pages")->Arg(262144)->Unit(benchmark::kMillisecond);

// Parent and child share all pages; the child breaks one page after the other.
void IncrementalCowBreak(benchmark::State& state) {
  const uint64_t pages = static_cast<uint64_t>(state.range(0));
  MappedGuest mapped(pages);
  GuestBuilder& guest = mapped.guest;
  IncrementalChecker checker(guest.memory(), guest.channel());
  const GuestPtr child = guest.Fork(mapped.task, 3);
  const GuestPtr mm = guest.Peek<proto::TaskRecord>(child).mm;
  const GuestPtr vma = guest.Vmas(mm)[0];
  Findings findings;
  (void)checker.Step({}, findings).ok();
  (void)guest.TakeEvents();
  uint64_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    guest.ClearDirty();
    guest.Touch(mm, vma, kAt + (next++ % pages) * kPageBytes, oracle::testing::Access::kWrite);
    const Events events = guest.TakeEvents();
    state.ResumeTiming();
    if (!checker.Step({proto::SafepointKind::kFault, guest.dirty(), events}, findings).ok() ||
        !findings.list().empty()) {
      Skip(state, findings);
      break;
    }
  }
}
BENCHMARK(IncrementalCowBreak)
    ->ArgName("pages")
    ->Arg(1024)
    ->Arg(4096)
    ->Arg(65536)
    ->Arg(262144)
    ->Iterations(1000)
    ->Unit(benchmark::kMicrosecond);

// The same with many small processes around.
void IncrementalManyTasks(benchmark::State& state) {
  MappedGuest mapped(64);
  GuestBuilder& guest = mapped.guest;
  for (int i = 0; i < 24; ++i) {
    guest.AddVma(mapped.mm, 0x40000000 + i * 0x100000, 1, proto::kVmRead);
  }
  GuestPtr child = 0;
  for (uint32_t i = 0; i < state.range(0); ++i) {
    child = guest.Fork(mapped.task, 3 + i);
  }
  const GuestPtr mm = guest.Peek<proto::TaskRecord>(child).mm;
  const GuestPtr vma = guest.Vmas(mm)[0];
  IncrementalChecker checker(guest.memory(), guest.channel());
  Findings findings;
  (void)checker.Step({}, findings).ok();
  (void)guest.TakeEvents();
  uint64_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    guest.ClearDirty();
    guest.Touch(mm, vma, kAt + next++ * kPageBytes, oracle::testing::Access::kWrite);
    const Events events = guest.TakeEvents();
    state.ResumeTiming();
    (void)checker.Step({proto::SafepointKind::kFault, guest.dirty(), events}, findings).ok();
  }
  if (!findings.list().empty()) {
    Skip(state, findings);
  }
}
BENCHMARK(IncrementalManyTasks)
    ->ArgName("tasks")
    ->Arg(10)
    ->Arg(1000)
    ->Iterations(60)
    ->Unit(benchmark::kMicrosecond);

// The step in which the whole process was forked.
void IncrementalFork(benchmark::State& state) {
  MappedGuest mapped(static_cast<uint64_t>(state.range(0)));
  GuestBuilder& guest = mapped.guest;
  IncrementalChecker checker(guest.memory(), guest.channel());
  Findings findings;
  (void)checker.Step({}, findings).ok();
  (void)guest.TakeEvents();
  for (auto _ : state) {
    state.PauseTiming();
    guest.ClearDirty();
    const GuestPtr child = guest.Fork(mapped.task, 3);
    const Events fork = guest.TakeEvents();
    state.ResumeTiming();
    (void)checker.Step({proto::SafepointKind::kSyscall, guest.dirty(), fork}, findings).ok();
    state.PauseTiming();
    guest.ClearDirty();
    guest.RemoveTask(child);
    const Events exit = guest.TakeEvents();
    (void)checker.Step({proto::SafepointKind::kExit, guest.dirty(), exit}, findings).ok();
    state.ResumeTiming();
  }
  if (!findings.list().empty()) {
    Skip(state, findings);
  }
}
BENCHMARK(IncrementalFork)
    ->ArgName("pages")
    ->Arg(256)
    ->Arg(262144)
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fv::oracle
