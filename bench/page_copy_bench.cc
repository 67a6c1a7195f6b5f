// SPDX-License-Identifier: Apache-2.0
//
// What the kernel's own code costs natively, without a guest: the page-table copy of fork, the
// teardown of the child, the mapping of pages. The objects are the kernel's (no SSE, -O2), linked
// with the tests' fake machine. Shadow paging, traps and cold RAM are not in these figures.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

#include "guest/mm/frames.h"
#include "guest/mm/mm.h"
#include "guest/mm/page_table.h"
#include "guest/mm/testing/fake_machine.h"

namespace fv::guest {
namespace {

constexpr uint64_t kStart = uint64_t{1} << 32;

enum class Frames : int64_t { kContiguous, kScattered };

// Swaps the frames of a populated mapping around, as a long-lived process has them.
void Scatter(Mm& mm, uint64_t pages) {
  std::vector<proto::Pte*> entries;
  for (uint64_t i = 0; i < pages; ++i) {
    entries.push_back(LookupPte(mm, kStart + i * proto::kPageBytes));
  }
  std::vector<proto::Pte> values(pages);
  std::transform(entries.begin(), entries.end(), values.begin(),
                 [](const proto::Pte* entry) { return *entry; });
  std::shuffle(values.begin(), values.end(), std::mt19937_64(1));
  for (uint64_t i = 0; i < pages; ++i) {
    *entries[i] = values[i];
  }
}

// A process with `pages` of private memory present.
Mm* MakeParent(uint64_t pages, Frames frames) {
  testing::FakeMachine::Get();
  Mm* mm = Mm::Create().take();
  MapRequest request;
  request.address = kStart;
  request.length = pages * proto::kPageBytes;
  request.flags = proto::kVmRead | proto::kVmWrite;
  request.placement = MapPlacement::kFixed;
  request.populate = MapPopulate::kYes;
  if (!mm->Map(request).ok() || mm->anon_pages != pages) {
    std::abort();
  }
  if (frames == Frames::kScattered) {
    Scatter(*mm, pages);
  }
  return mm;
}

// Makes every entry writable again, as after the child's exit and a write to each page.
void MakeWritable(Mm& mm, uint64_t pages) {
  ForEachTable(mm, kStart, kStart + pages * proto::kPageBytes,
               [](proto::Pte* table, uint64_t, uint64_t count) {
                 for (uint64_t i = 0; i < count; ++i) {
                   table[i] = (table[i] | proto::kPteWritable) & ~proto::kPteCow;
                 }
                 return true;
               });
}

void SetRates(benchmark::State& state, uint64_t pages) {
  state.SetItemsProcessed(static_cast<int64_t>(pages) * state.iterations());
  state.counters["per_pte"] =
      benchmark::Counter(static_cast<double>(pages) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// One fork: every entry loses its write permission.
void ForkCopy(benchmark::State& state) {
  const auto pages = static_cast<uint64_t>(state.range(0)) / proto::kPageBytes;
  Mm* parent = MakeParent(pages, static_cast<Frames>(state.range(1)));
  for (auto _ : state) {
    ForkCounts counts;
    Mm* child = DupMm(*parent, counts).take();
    state.PauseTiming();
    child->Put();
    MakeWritable(*parent, pages);
    testing::FakeMachine::Get().events().clear();
    state.ResumeTiming();
  }
  SetRates(state, pages);
  parent->Put();
}

// A further fork: the parent's entries stay as they are.
void ForkCopyAgain(benchmark::State& state) {
  const auto pages = static_cast<uint64_t>(state.range(0)) / proto::kPageBytes;
  Mm* parent = MakeParent(pages, static_cast<Frames>(state.range(1)));
  for (auto _ : state) {
    ForkCounts counts;
    Mm* child = DupMm(*parent, counts).take();
    state.PauseTiming();
    child->Put();
    testing::FakeMachine::Get().events().clear();
    state.ResumeTiming();
  }
  SetRates(state, pages);
  parent->Put();
}

// The child's end: every reference given back.
void ExitCopy(benchmark::State& state) {
  const auto pages = static_cast<uint64_t>(state.range(0)) / proto::kPageBytes;
  Mm* parent = MakeParent(pages, static_cast<Frames>(state.range(1)));
  for (auto _ : state) {
    state.PauseTiming();
    ForkCounts counts;
    Mm* child = DupMm(*parent, counts).take();
    testing::FakeMachine::Get().events().clear();
    state.ResumeTiming();
    child->Put();
  }
  SetRates(state, pages);
  parent->Put();
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  for (int64_t megabytes : {1, 16, 64, 256, 1024}) {
    for (Frames frames : {Frames::kContiguous, Frames::kScattered}) {
      benchmark->Args({megabytes << 20, static_cast<int64_t>(frames)});
    }
  }
  benchmark->ArgNames({"bytes", "scattered"})->Unit(benchmark::kMicrosecond);
}
BENCHMARK(ForkCopy)->Apply(Sizes);
BENCHMARK(ForkCopyAgain)->Apply(Sizes);
BENCHMARK(ExitCopy)->Apply(Sizes);

}  // namespace
}  // namespace fv::guest
