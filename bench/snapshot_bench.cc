// SPDX-License-Identifier: Apache-2.0
//
// Snapshots under Google Benchmark: taking one, a restore by the number of pages that a program of
// the guest wrote, the proof of it, and machines from a snapshot: up to the first doorbell behind
// their programs' first instructions, and to the end of a run. Needs KVM.
//
//   bazel run -c opt //bench:snapshot_bench
#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "bench/dirty_pages_program.h"
#include "bench/run_benchmarks.h"
#include "proto/channel.h"
#include "src/bench/host.h"
#include "src/cli/guest_kernel.h"
#include "src/session/from_snapshot.h"
#include "src/session/guest.h"
#include "src/session/moment.h"
#include "src/session/session.h"
#include "vmm/snapshot/snapshot_file.h"

namespace fv::bench {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// A guest at its mark, and the snapshot of it.
struct AtMark {
  AtMark() {
    static const TemporaryProgram kProgram("dirty_pages", embedded::DirtyPagesProgram());
    session::GuestOptions options;
    options.root.program = kProgram.path();
    options.root.busybox = rootfs::Busybox::kNever;
    options.ram_bytes = uint64_t{64} << 20;
    options.kernel_image = embedded::GuestKernel();
    absl::StatusOr<session::Guest> started = session::StartGuest(options);
    if (!started.ok()) throw std::runtime_error(std::string(started.status().message()));
    guest = *std::move(started);
    session::SnapshotTaker taker(*guest.on_kvm, *session::ParseSnapshotTime("mark:1"));
    Run(*guest.on_kvm, "", &taker);
    snapshot = taker.snapshot();
    if (snapshot == nullptr) throw std::runtime_error("the program made no mark");
  }

  static void Run(vmm::Machine& machine, const std::string& input,
                  session::Observer* observer = nullptr) {
    const vmm::Fd in = MemoryFile();
    if (pwrite(in.get(), input.data(), input.size(), 0) != static_cast<ssize_t>(input.size())) {
      throw std::runtime_error("no input");
    }
    session::SessionOptions run;
    run.input = in.get();
    if (observer != nullptr) run.observers.push_back(observer);
    const session::SessionResult result = session::Session(machine, run).Run();
    const bool fine = observer != nullptr || result.end == session::SessionEnd::kExited;
    if (!fine) throw std::runtime_error("the guest failed: " + result.message);
  }

  session::Guest guest;
  std::shared_ptr<const vmm::Snapshot> snapshot;
};

// A restore after a run that wrote range(0) pages of its own. range(1): vmm::TableRestore.
void Restore(benchmark::State& state) {
  AtMark at;
  vmm::Machine& machine = *at.guest.on_kvm;
  machine.restorer().set_table_restore(static_cast<vmm::TableRestore>(state.range(1)));
  vmm::RestoreStats sum;
  double run_s = 0;
  double fastest_s = 1;
  for (auto _ : state) {
    const Clock::time_point start = Clock::now();
    AtMark::Run(machine, std::to_string(state.range(0)) + "\n");
    const Clock::time_point ended = Clock::now();
    run_s += Seconds(start, ended);
    const vmm::RestoreStats stats = machine.Restore(at.snapshot);
    const double restore_s = Seconds(ended, Clock::now());
    fastest_s = std::min(fastest_s, restore_s);
    state.SetIterationTime(restore_s);
    sum.pages += stats.pages;
    sum.table_pages += stats.table_pages;
    sum.words += stats.words;
    sum.log_ns += stats.log_ns;
    sum.memory_ns += stats.memory_ns;
    sum.guest_ns += stats.guest_ns;
    sum.registers_ns += stats.registers_ns;
  }
  const auto mean = [](double value) {
    return benchmark::Counter(value, benchmark::Counter::kAvgIterations);
  };
  state.counters["fastest_us"] = fastest_s * 1e6;
  state.counters["run_us"] = mean(run_s * 1e6);
  state.counters["pages"] = mean(static_cast<double>(sum.pages));
  state.counters["tables"] = mean(static_cast<double>(sum.table_pages));
  state.counters["words"] = mean(static_cast<double>(sum.words));
  state.counters["log_us"] = mean(static_cast<double>(sum.log_ns) / 1e3);
  state.counters["memory_us"] = mean(static_cast<double>(sum.memory_ns) / 1e3);
  state.counters["guest_us"] = mean(static_cast<double>(sum.guest_ns) / 1e3);
  state.counters["registers_us"] = mean(static_cast<double>(sum.registers_ns) / 1e3);
}
BENCHMARK(Restore)
    ->Name("restore")
    ->ArgNames({"written", "remake_slot"})
    ->ArgsProduct({{0, 64, 256, 1024}, {0, 1}})
    ->UseManualTime()
    ->Iterations(200)
    ->Unit(benchmark::kMicrosecond);

void Prove(benchmark::State& state) {
  AtMark at;
  for (auto _ : state) benchmark::DoNotOptimize(at.guest.on_kvm->Compare(*at.snapshot));
}
BENCHMARK(Prove)->Name("prove")->Unit(benchmark::kMicrosecond);

void TakeFirst(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    AtMark at;
    const vmm::Machine machine(*at.guest.kvm, at.snapshot, vmm::WatchdogConfig{});
    state.ResumeTiming();
    benchmark::DoNotOptimize(vmm::RamImage::Copy(machine.memory(), {}));
  }
}
BENCHMARK(TakeFirst)->Name("copy_memory")->Iterations(20)->Unit(benchmark::kMillisecond);

// Machines from one snapshot file, each of which runs its program. The counter private_kib is what
// a machine added to this process.
void FromFile(benchmark::State& state) {
  AtMark at;
  const std::string path = "/tmp/snapshot_bench." + std::to_string(getpid());
  vmm::WriteSnapshotFile(*at.snapshot, path);
  const auto snapshot = vmm::ReadSnapshotFile(path, at.snapshot->kernel_id);
  unlink(path.c_str());
  constexpr int kMachines = 10;
  double private_bytes = 0;
  for (auto _ : state) {
    std::vector<std::unique_ptr<vmm::Machine>> machines;
    const uint64_t before = PrivateBytes();
    double seconds = 0;
    for (int i = 0; i < kMachines; ++i) {
      const Clock::time_point start = Clock::now();
      machines.push_back(
          std::make_unique<vmm::Machine>(*at.guest.kvm, snapshot, vmm::WatchdogConfig{}));
      AtMark::Run(*machines.back(), "0\n");
      seconds += Seconds(start, Clock::now());
    }
    private_bytes += static_cast<double>(PrivateBytes() - before) / kMachines;
    state.SetIterationTime(seconds / kMachines);
  }
  state.counters["private_kib"] =
      benchmark::Counter(private_bytes / 1024, benchmark::Counter::kAvgIterations);
}
BENCHMARK(FromFile)
    ->Name("machine_from_file_and_its_run")
    ->UseManualTime()
    ->Iterations(10)
    ->Unit(benchmark::kMillisecond);

// The next system call of the program: its instructions since the snapshot have run.
class FirstCall final : public session::Observer {
 public:
  // What the guest is to ring for.
  static void Ask(vmm::Machine& machine) {
    const proto::Moment moment = session::ParseTrigger("syscall:read").value();
    session::SetObserved(machine, session::TriggerEvents(moment), 0);
    const uint64_t gpa = machine.channel_gpa() + offsetof(proto::ChannelHeader, moment);
    if (!machine.memory().Store(gpa, moment)) throw std::runtime_error("no channel");
  }

  void OnEvent(const proto::EventRecord&) override {}
  vmm::Next OnMoment() override {
    at_ = Clock::now();
    return vmm::Next::kStop;
  }
  // When the guest rang.
  Clock::time_point at() const {
    if (at_ == Clock::time_point()) throw std::runtime_error("no call of the program was seen");
    return at_;
  }

 private:
  Clock::time_point at_;
};

// Machines from one snapshot in a memory file, up to their programs' first instructions: from the
// wish to have one to the doorbell of the first system call. private_kib: what each has added to
// this process's private memory by then (Private_Dirty of smaps_rollup).
void FirstInstruction(benchmark::State& state) {
  AtMark at;
  constexpr int kMachines = 10;
  double private_bytes = 0;
  double fastest_s = 1;
  double slowest_s = 0;
  for (auto _ : state) {
    std::vector<std::unique_ptr<vmm::Machine>> machines;
    const uint64_t before = PrivateBytes();
    double seconds = 0;
    for (int i = 0; i < kMachines; ++i) {
      FirstCall call;
      const Clock::time_point start = Clock::now();
      machines.push_back(
          std::make_unique<vmm::Machine>(*at.guest.kvm, at.snapshot, vmm::WatchdogConfig{}));
      FirstCall::Ask(*machines.back());
      AtMark::Run(*machines.back(), "", &call);
      const double one_s = Seconds(start, call.at());
      fastest_s = std::min(fastest_s, one_s);
      slowest_s = std::max(slowest_s, one_s);
      seconds += one_s;
    }
    private_bytes += static_cast<double>(PrivateBytes() - before) / kMachines;
    state.SetIterationTime(seconds / kMachines);
  }
  state.counters["fastest_ms"] = fastest_s * 1e3;
  state.counters["slowest_ms"] = slowest_s * 1e3;
  state.counters["private_kib"] =
      benchmark::Counter(private_bytes / 1024, benchmark::Counter::kAvgIterations);
}
BENCHMARK(FirstInstruction)
    ->Name("first_user_instruction")
    ->UseManualTime()
    ->Iterations(20)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fv::bench

int main(int argc, char** argv) { return fv::bench::RunBenchmarks(argc, argv); }
