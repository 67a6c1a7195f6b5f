// SPDX-License-Identifier: Apache-2.0
//
// Usage counts of tasks and address spaces, read from outside at the marks of task_counts.c (fork
// features F03, F65), and the canaries on the kernel stacks that are there (F04).
#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gflags/gflags.h"
#include "src/inspect/snapshot_reader.h"
#include "src/session/guest.h"
#include "src/session/machine_view.h"
#include "src/session/session.h"
#include "vmm/fd.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(kernel, "", "the guest kernel");
DEFINE_string(program, "", "task_counts");

namespace fv::tests {
namespace {

// Of the task that a mark names.
struct Counts {
  bool listed = false;
  uint32_t usage = 0;
  uint32_t mm_users = 0;  // 0: it has no address space
  uint32_t mm_count = 0;
  bool operator==(const Counts&) const = default;
};

void PrintTo(const Counts& counts, std::ostream* out) {
  *out << "{listed " << counts.listed << ", usage " << counts.usage << ", mm users "
       << counts.mm_users << ", mm count " << counts.mm_count << "}";
}

class CountReader final : public session::Observer {
 public:
  explicit CountReader(const vmm::MachineInterface& machine)
      : memory_(session::ReaderOf(machine)), reader_(memory_, session::ChannelOf(machine)) {}

  void OnEvent(const proto::EventRecord& event) override {
    if (event.kind == proto::EventKind::kMark) mark_ = event;
  }

  vmm::Next OnSafepoint(proto::SafepointKind) override {
    if (!mark_) return vmm::Next::kContinue;
    inspect::Snapshot snapshot;
    if (!reader_.ReadInto(snapshot).ok()) return vmm::Next::kStop;
    NoteCanaries(snapshot);
    stages_[mark_->a] = CountsOf(snapshot, static_cast<uint32_t>(mark_->b));
    mark_.reset();
    return vmm::Next::kContinue;
  }

  const std::map<uint64_t, Counts>& stages() const { return stages_; }
  // By task.
  const std::map<uint64_t, uint64_t>& canaries() const { return canaries_; }

 private:
  static Counts CountsOf(const inspect::Snapshot& snapshot, uint32_t pid) {
    Counts counts;
    for (const inspect::Task& task : snapshot.tasks) {
      if (task.record.pid != pid) continue;
      counts.listed = true;
      counts.usage = task.record.usage;
      for (const inspect::Mm& mm : snapshot.mms) {
        if (mm.address != task.record.mm) continue;
        counts.mm_users = mm.record.users;
        counts.mm_count = mm.record.count;
      }
    }
    return counts;
  }

  void NoteCanaries(const inspect::Snapshot& snapshot) {
    constexpr uint64_t kCanaryWord = 2;  // of a kernel stack (guest/arch/arch.h)
    for (const inspect::Task& task : snapshot.tasks) {
      if (!task.stack_readable) continue;
      const uint64_t gpa = proto::PhysOfDirectMap(task.record.stack) + kCanaryWord * 8;
      canaries_[task.record.pid] = memory_.Word(gpa);
    }
  }

  inspect::MemoryReader memory_;
  inspect::SnapshotReader reader_;
  std::optional<proto::EventRecord> mark_;
  std::map<uint64_t, Counts> stages_;
  std::map<uint64_t, uint64_t> canaries_;
};

class TaskCounts : public vmm::testing::KvmTest {
 protected:
  struct Seen {
    std::map<uint64_t, Counts> stages;
    std::map<uint64_t, uint64_t> canaries;
  };
  static void Run(Seen& seen);
};

void TaskCounts::Run(Seen& seen) {
  std::ifstream file(FLAGS_kernel, std::ios::binary);
  const std::vector<uint8_t> kernel{std::istreambuf_iterator<char>(file), {}};
  session::GuestOptions options;
  options.root.program = std::filesystem::absolute(FLAGS_program).string();
  options.ram_bytes = uint64_t{32} << 20;
  options.boot_flags = proto::kBootSafepoints;
  options.event_mask = EventBit(proto::EventKind::kMark);
  options.timeout_ns = uint64_t{100} * 1'000'000'000;
  options.kernel_image = kernel;
  absl::StatusOr<session::Guest> guest = session::StartGuest(options);
  ASSERT_TRUE(guest.ok()) << guest.status();
  CountReader reader(*guest->machine);
  const vmm::Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  session::SessionOptions run;
  run.input = run.output = run.error = null.get();
  run.stdin_mode = session::SessionOptions::Stdin::kEmpty;
  run.timeout_ns = options.timeout_ns;
  run.observers = {&reader};
  const session::SessionResult result = session::Session(*guest->machine, run).Run();
  ASSERT_EQ(result.end, session::SessionEnd::kExited) << result.message;
  EXPECT_EQ(result.wait_status, 0);
  seen = {reader.stages(), reader.canaries()};
}

TEST_F(TaskCounts, F04NoTwoTasksHaveOneCanary) {
  Seen seen;
  ASSERT_NO_FATAL_FAILURE(Run(seen));
  constexpr size_t kTasks = 4;  // init, the program, two children
  EXPECT_GE(seen.canaries.size(), kTasks);
  std::set<uint64_t> values;
  for (const auto& [pid, canary] : seen.canaries) {
    EXPECT_TRUE(values.insert(canary).second) << "pid " << pid << ": " << canary;
    EXPECT_NE(canary, 0u) << pid;
    EXPECT_EQ(canary & 0xFF, 0u) << pid;
  }
}

TEST_F(TaskCounts, F03F65ReferencesStageByStage) {
  Seen seen;
  ASSERT_NO_FATAL_FAILURE(Run(seen));
  // Until it is reaped, and while it may run; one user of its memory.
  const Counts lives{true, 2, 1, 1};
  const std::map<uint64_t, Counts> expected = {
      {1, lives},
      {2, lives},
      {3, lives},  // a pidfd holds the number, not the task
      {4, lives},
      {5, {true, 1, 0, 0}},  // a zombie has given its memory up
      {6, {false, 0, 0, 0}},
      {7, {true, 2, 2, 1}},  // CLONE_VM: another user, not another address space
      {8, lives},
  };
  EXPECT_EQ(seen.stages, expected);
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
