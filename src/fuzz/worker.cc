// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer calls C functions, so the worker of the process is a variable. libFuzzer sees the
// features, and behind them the counters of the guest kernel's basic blocks, as "extra counters",
// which it finds by the name of their section and clears before each program.
#include "src/fuzz/worker.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/fuzz/minimise.h"
#include "src/fuzz/mutate.h"
#include "src/fuzz/text.h"

// libFuzzer (LLVM 14): "Using libFuzzer as a library".
extern "C" int LLVMFuzzerRunDriver(int* argc, char*** argv,
                                   int (*target)(const uint8_t* data, size_t size));
// OSS-Fuzz takes for a target what has this name in it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed);
extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_size, unsigned seed);

namespace fv::fuzz {
namespace {

constexpr int kTargetFailure = 1;  // as libFuzzer's own troubles
constexpr size_t kMinimiseTries = 200;

__attribute__((section("__libfuzzer_extra_counters")))
uint8_t counters[kFeatures + coverage::kMaxBlocks + coverage::kMaxCompares];

// Where there is no room for a log the campaign has the words all the same.
void SayFailure(const std::string& why, SharedState& shared) {
  std::fprintf(stderr, "forkvisor: %s\n", why.c_str());
  if (!shared.failed.test_and_set()) why.copy(shared.failure, sizeof(shared.failure) - 1);
}

class Worker {
 public:
  // `store` is where findings are kept; null: one ends the process.
  Worker(const CampaignOptions& options, const Store* store, SharedState& shared)
      : grammar_{.free_order = !options.judge.differential,
                 .guest_calls = !options.judge.differential},
        store_(store),
        shared_(shared),
        compares_(options.compares) {
    absl::StatusOr<std::unique_ptr<Judge>> judge = Judge::Make(options.judge);
    if (!judge.ok()) Fail(std::string(judge.status().message()));
    judge_ = *std::move(judge);
  }

  void Test(std::span<const uint8_t> bytes) {
    const Program program = Decode(bytes);
    const Verdict verdict = Try(program);
    ++shared_.programs;
    CountResets();
    if (verdict.finding) Take(*verdict.finding, program);
    before_ = program;
    if (verdict.run.results) {
      AddFeatures(program, *verdict.run.results, std::span(counters).first<kFeatures>());
    } else {
      counters[0] = 1;  // libFuzzer gives up where nothing shows anything
    }
    for (size_t i = 0; i < kFeatures; ++i) {
      if (counters[i] != 0) shared_.seen[i].store(1, std::memory_order_relaxed);
    }
    TakeBlocks(verdict.run.block_counts);
    if (compares_) {
      std::copy(verdict.run.compares.begin(), verdict.run.compares.end(),
                counters + kFeatures + coverage::kMaxBlocks);
    }
  }

  const Grammar& grammar() const { return grammar_; }

  // The host fails us.
  [[noreturn]] void Fail(const std::string& why) const {
    SayFailure(why, shared_);
    _exit(store_ == nullptr ? kTargetFailure : kHostFailure);
  }

 private:
  Verdict Try(const Program& program) {
    absl::StatusOr<Verdict> verdict = judge_->Try(program);
    if (!verdict.ok()) Fail(std::string(verdict.status().message()));
    return *std::move(verdict);
  }

  void Take(const Finding& finding, const Program& program) {
    const bool of_former = finding.kind == "reset";
    if (store_ == nullptr) Crash(finding, of_former ? before_ : program);
    if (of_former) {
      KeepAsItIs(finding, before_);
    } else {
      Keep(finding, program);
    }
  }

  [[noreturn]] static void Crash(const Finding& finding, const Program& program) {
    std::fprintf(stderr, "==%d== ERROR: forkvisor: %s\n%s\n%s\nSUMMARY: forkvisor: %s\n", getpid(),
                 finding.Key().c_str(), finding.detail.c_str(), ToText(program).c_str(),
                 finding.Key().c_str());
    std::abort();
  }

  void TakeBlocks(const std::vector<uint8_t>& counts) {
    std::copy(counts.begin(), counts.end(), counters + kFeatures);
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] != 0) shared_.block_hits[i].fetch_add(1, std::memory_order_relaxed);
    }
  }

  void CountResets() {
    const ResetStats now = judge_->reset_stats();
    shared_.resets += now.resets - counted_.resets;
    shared_.reset_ns += now.reset_ns - counted_.reset_ns;
    shared_.proofs += now.proofs - counted_.proofs;
    counted_ = now;
  }

  // False if it is known already.
  bool KeepAsItIs(const Finding& finding, const Program& program) {
    if (store_->Has(finding)) return false;
    Save(finding, program);
    ++shared_.found;
    return true;
  }

  // On disk first as it is, then as small as it gets: nothing is lost if we are killed.
  void Keep(const Finding& finding, const Program& program) {
    if (!KeepAsItIs(finding, program)) return;
    const auto shows = [&](const Program& candidate) {
      const Verdict verdict = Try(candidate);
      return verdict.finding && verdict.finding->Key() == finding.Key();
    };
    const Program small = Minimise(program, shows, kMinimiseTries);
    const Verdict last = Try(small);
    if (last.finding && last.finding->Key() == finding.Key()) Save(*last.finding, small);
  }

  void Save(const Finding& finding, const Program& program) {
    const absl::Status status = store_->Save(finding, program);
    if (!status.ok()) Fail(std::string(status.message()));
  }

  Grammar grammar_;
  const Store* store_;
  SharedState& shared_;
  bool compares_;
  std::unique_ptr<Judge> judge_;
  Program before_;  // the program that was tried before
  ResetStats counted_;
};

Worker* worker = nullptr;

// 0 if it does not fit.
size_t Put(const Program& program, uint8_t* out, size_t max_size) {
  const std::string bytes = Encode(program);
  if (bytes.size() > max_size) return 0;
  std::copy(bytes.begin(), bytes.end(), out);
  return bytes.size();
}

std::vector<std::string> DriverArguments(const CampaignOptions& options, const Store& store,
                                         unsigned job, uint64_t seconds) {
  std::vector<std::string> arguments = {
      "forkvisor",
      "-max_len=" + std::to_string(FV_FUZZ_MAX_BYTES),
      "-len_control=0",
      "-rss_limit_mb=0",
      "-detect_leaks=0",
      "-reload=1",
      "-print_final_stats=1",
      "-artifact_prefix=" + store.findings() + "/",
      "-seed=" + std::to_string((options.seed + job) % 0x7FFFFFFF + 1),
  };
  if (seconds != 0) arguments.push_back("-max_total_time=" + std::to_string(seconds));
  if (options.programs != 0) arguments.push_back("-runs=" + std::to_string(options.programs));
  arguments.push_back(store.corpus());
  return arguments;
}

}  // namespace

void RunWorker(const CampaignOptions& options, const Store& store, unsigned job, uint64_t seconds,
               SharedState& shared) {
  try {
    Worker own(options, &store, shared);
    worker = &own;
    std::vector<std::string> arguments = DriverArguments(options, store, job, seconds);
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    int argc = static_cast<int>(arguments.size());
    char** argv = pointers.data();
    _exit(LLVMFuzzerRunDriver(&argc, &argv, &LLVMFuzzerTestOneInput));
  } catch (const std::exception& error) {
    SayFailure(error.what(), shared);
    _exit(kHostFailure);
  }
}

int RunTarget(const JudgeOptions& options, int argc, char** argv) {
  try {
    CampaignOptions campaign;
    campaign.judge = options;
    const auto shared = std::make_unique<SharedState>();
    Worker own(campaign, nullptr, *shared);
    worker = &own;
    return LLVMFuzzerRunDriver(&argc, &argv, &LLVMFuzzerTestOneInput);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "forkvisor: %s\n", error.what());
    return kTargetFailure;
  }
}

}  // namespace fv::fuzz

namespace fuzz = fv::fuzz;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    fuzz::worker->Test({data, size});
  } catch (const std::exception& error) {
    fuzz::worker->Fail(error.what());
  }
  return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  fuzz::Random random(seed);
  const fuzz::Grammar& grammar = fuzz::worker->grammar();
  fuzz::Program program = fuzz::Decode({data, size});
  if (program.Steps() == 0 || random.OneIn(16)) {
    program = fuzz::RandomProgram(random, grammar);
  } else {
    fuzz::Mutate(program, random, grammar);
  }
  const size_t written = fuzz::Put(program, data, max_size);
  return written == 0 ? size : written;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1, const uint8_t* data2,
                                 size_t size2, uint8_t* out, size_t max_size, unsigned seed) {
  fuzz::Random random(seed);
  return fuzz::Put(
      fuzz::Crossover(fuzz::Decode({data1, size1}), fuzz::Decode({data2, size2}), random), out,
      max_size);
}
