// SPDX-License-Identifier: Apache-2.0
//
// The proof of recordings: a program runs and is recorded, and at many safepoints a witness takes a
// snapshot of the guest directly. The state that the recording alone gives for that step has to be
// the witness's.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gflags/gflags.h"
#include "src/inspect/mapping_path.h"
#include "src/inspect/snapshot_reader.h"
#include "src/recording/record_reader.h"
#include "src/recording/recording_observer.h"
#include "src/recording/state.h"
#include "src/session/guest.h"
#include "src/session/machine_view.h"
#include "src/session/session.h"
#include "vmm/fd.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(kernel, "", "the guest kernel");
DEFINE_string(program, "", "the program");
DEFINE_string(strategy, "classic", "how fork copies an address space");

namespace fv::tests {
namespace {

using ::testing::IsEmpty;

// All of the first safepoints, then one of so many.
constexpr uint64_t kFirst = 40;
constexpr uint64_t kEvery = 29;

// Stands behind the recorder: what it sees is what the recorder saw.
class Witness final : public session::Observer {
 public:
  Witness(const vmm::MachineInterface& machine, const recording::RecordingFile& file)
      : memory_(session::ReaderOf(machine)),
        reader_(memory_, session::ChannelOf(machine)),
        file_(file) {}

  // Paths of mapped files by address of the address space and first page.
  using Paths = std::map<std::pair<uint64_t, uint64_t>, std::string>;
  struct Sight {
    uint64_t position;  // bytes of the recording then
    recording::State state;
    Paths paths;
  };

  void OnEvent(const proto::EventRecord&) override {}
  vmm::Next OnSafepoint(proto::SafepointKind kind) override {
    if (++safepoints_ > kFirst && safepoints_ % kEvery != 0 &&
        kind != proto::SafepointKind::kFinal) {
      return vmm::Next::kContinue;
    }
    if (!reader_.ReadInto(snapshot_).ok()) return vmm::Next::kStop;
    sights_.push_back({file_.bytes(), recording::StateOf(snapshot_), PathsNow()});
    return vmm::Next::kContinue;
  }

  const std::vector<Sight>& sights() const { return sights_; }

 private:
  Paths PathsNow() const {
    Paths paths;
    for (const inspect::Mm& mm : snapshot_.mms) {
      for (const inspect::Vma& vma : mm.vmas) {
        const std::string path = inspect::MappingPath(memory_, vma.address);
        if (path.empty()) continue;
        paths[{mm.address - proto::kKernelBase, vma.record.start >> proto::kPageShift}] = path;
      }
    }
    return paths;
  }

  inspect::MemoryReader memory_;
  inspect::SnapshotReader reader_;
  const recording::RecordingFile& file_;
  inspect::Snapshot snapshot_;
  uint64_t safepoints_ = 0;
  std::vector<Sight> sights_;
};

Witness::Paths PathsOf(const recording::State& state) {
  Witness::Paths paths;
  for (const auto& [id, mm] : state.mms) {
    for (const auto& [page, file] : mm.files) {
      paths[{mm.address, page}] = state.file_names.at(file);
    }
  }
  return paths;
}

std::vector<uint8_t> ContentOf(const recording::RecordingFile& file) {
  std::vector<uint8_t> bytes(file.bytes_in_file());
  EXPECT_EQ(::pread(file.fd(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return bytes;
}

class RecordingTest : public vmm::testing::KvmTest {
 protected:
  // Runs the program recorded and witnessed.
  void Run(recording::RecordingFile& file, std::vector<Witness::Sight>& sights);
};

void RecordingTest::Run(recording::RecordingFile& file, std::vector<Witness::Sight>& sights) {
  std::ifstream image(FLAGS_kernel, std::ios::binary);
  const std::vector<uint8_t> kernel{std::istreambuf_iterator<char>(image), {}};
  session::GuestOptions options;
  options.root.program = std::filesystem::absolute(FLAGS_program).string();
  options.fork_strategy = FLAGS_strategy;
  options.boot_flags = recording::RecordingObserver::BootFlags();
  const uint64_t kinds = recording::Recorder::DefaultKinds();
  options.event_mask = recording::RecordingObserver::EventMask(kinds);
  options.timeout_ns = uint64_t{60} * 1'000'000'000;
  options.kernel_image = kernel;
  absl::StatusOr<session::Guest> guest = session::StartGuest(options);
  ASSERT_TRUE(guest.ok()) << guest.status();
  recording::RecordingObserver recorder(*guest->machine, file,
                                        {.program = {FLAGS_program}, .strategy = FLAGS_strategy},
                                        {.kinds = kinds});
  Witness witness(*guest->machine, file);
  const vmm::Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  session::SessionOptions run;
  run.input = run.output = run.error = null.get();
  run.stdin_mode = session::SessionOptions::Stdin::kEmpty;
  run.timeout_ns = options.timeout_ns;
  run.observers = {&recorder, &witness};
  const session::SessionResult result = session::Session(*guest->machine, run).Run();
  recorder.Finish(result);
  ASSERT_EQ(result.end, session::SessionEnd::kExited) << result.message;
  ASSERT_TRUE(file.status().ok()) << file.status();
  sights = witness.sights();
}

TEST_F(RecordingTest, IsWhatTheGuestWas) {
  absl::StatusOr<vmm::Fd> made = recording::CreateFile("");
  ASSERT_TRUE(made.ok()) << made.status();
  recording::RecordingFile file(*std::move(made));
  std::vector<Witness::Sight> sights;
  ASSERT_NO_FATAL_FAILURE(Run(file, sights));
  ASSERT_GT(sights.size(), 10u);

  const std::vector<uint8_t> bytes = ContentOf(file);
  absl::StatusOr<recording::RecordReader> reader = recording::RecordReader::Open(bytes);
  ASSERT_TRUE(reader.ok()) << reader.status();
  recording::State state;
  auto sight = sights.begin();
  uint64_t next_event = 0;
  bool ended = false;
  bool named = false;
  while (std::optional<recording::schema::Record> record = reader->Next()) {
    const absl::Status applied = recording::Apply(*record, state);
    ASSERT_TRUE(applied.ok()) << applied;
    if (record->has_step()) {
      ASSERT_EQ(record->step().first_event(), next_event);
      next_event += static_cast<uint64_t>(record->step().events_size());
    }
    if (record->has_end()) {
      EXPECT_EQ(record->end().events(), next_event);
      EXPECT_EQ(record->end().how(), recording::schema::End::EXITED);
      ended = true;
    }
    for (; sight != sights.end() && sight->position == reader->position(); ++sight) {
      ASSERT_THAT(recording::Differences(state, sight->state), IsEmpty())
          << "event " << next_event << " of the recording";
      ASSERT_EQ(PathsOf(state), sight->paths) << "event " << next_event << " of the recording";
      named = named || !sight->paths.empty();
    }
  }
  EXPECT_EQ(reader->tail(), recording::Tail::kEnd);
  EXPECT_TRUE(ended);
  EXPECT_TRUE(named) << "no mapping of a file was seen";
  EXPECT_EQ(sight, sights.end()) << "some steps were not compared";
  // What a recording may cost, its names aside.
  EXPECT_LT(bytes.size(), 16'000 + 100 * next_event);
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
