// SPDX-License-Identifier: Apache-2.0
//
// A synthetic guest is recorded: at each step the recording answers questions as the guest did
// itself. And recordings that lie.
#include "src/recording/recorded_moment.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "src/oracle/testing/sample_guest.h"
#include "src/query/query.h"
#include "src/recording/header.h"
#include "src/recording/recorder.h"

namespace fv::recording {
namespace {

using oracle::testing::kHeapAt;
using oracle::testing::kPrivatePages;
using oracle::testing::kTestChannelGpa;
using oracle::testing::SampleGuest;
using proto::kPageBytes;

std::string Text(const absl::StatusOr<query::Answer>& answer) {
  return answer.ok() ? query::FormatAnswer(*answer, query::Format::kJson)
                     : std::string(answer.status().message());
}

class RecordedMoment : public ::testing::Test {
 protected:
  RecordedMoment() : file_(*CreateFile("")) {
    boot_.ram_bytes = sample_.guest.ram_bytes();
    boot_.tsc_khz = 1'000'000;
    recorder_.emplace(sample_.guest.memory(), sample_.guest.channel(), file_,
                      MakeHeader({.program = {"sample"},
                                  .strategy = "classic",
                                  .strategies = {"classic"},
                                  .host = "test",
                                  .kernel_id = ""},
                                 boot_),
                      RecorderOptions{Recorder::DefaultKinds(), 0});
  }

  uint32_t Pid(proto::GuestPtr task) { return sample_.guest.Peek<proto::TaskRecord>(task).pid; }
  query::Moment Live() {
    absl::StatusOr<query::Moment> moment = query::TakeMoment(
        {sample_.guest.memory(), kTestChannelGpa, sample_.guest.ram_bytes() - kTestChannelGpa},
        query::Keep::kLive);
    EXPECT_TRUE(moment.ok()) << moment.status();
    moment->strategies = {"classic"};
    return *std::move(moment);
  }
  // Ends a step.
  void Safepoint() {
    for (const proto::EventRecord& event : sample_.guest.TakeEvents()) recorder_->OnEvent(event);
    recorder_->OnSafepoint(proto::SafepointKind::kSyscall, sample_.guest.dirty());
    sample_.guest.ClearDirty();
    recorder_->Flush();
  }
  std::vector<uint8_t> Bytes() {
    std::vector<uint8_t> bytes(file_.bytes_in_file());
    EXPECT_EQ(pread(file_.fd(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return bytes;
  }
  // Steps that the recording has.
  uint64_t Steps() {
    const std::vector<uint8_t> bytes = Bytes();
    uint64_t steps = 0;
    while (MomentAt(bytes, steps + 1).ok()) ++steps;
    return steps;
  }
  query::Moment At(uint64_t step) {
    absl::StatusOr<query::Moment> moment = MomentAt(Bytes(), step);
    EXPECT_TRUE(moment.ok()) << moment.status();
    return *std::move(moment);
  }

  // Counts of the frames that users map, by frame.
  static std::map<uint64_t, uint32_t> References(const query::Moment& moment) {
    std::map<uint64_t, uint32_t> references;
    for (uint64_t pfn = 0; pfn < moment.snapshot.frames.size(); ++pfn) {
      const proto::FrameRecord& frame = moment.snapshot.frames[pfn];
      const bool user =
          frame.state == proto::FrameState::kAnon || frame.state == proto::FrameState::kFile;
      if (user) references[pfn] = frame.refs;
    }
    return references;
  }

  SampleGuest sample_;
  proto::BootInfo boot_{};
  RecordingFile file_;
  std::optional<Recorder> recorder_;
};

TEST_F(RecordedMoment, AnswersAsTheGuestDid) {
  const std::vector<query::Words> questions = {{"ps"},
                                               {"maps", std::to_string(Pid(sample_.child))},
                                               {"frames"},
                                               {"pt", std::to_string(Pid(sample_.parent))},
                                               {"maps", "60"}};
  std::map<uint64_t, std::vector<std::string>> answers;  // by step
  for (int i = 0; i < 5; ++i) {
    if (i == 1) sample_.guest.Fork(sample_.child, 60);
    if (i == 2)
      sample_.guest.Touch(sample_.mm, sample_.heap, kHeapAt, oracle::testing::Access::kWrite);
    if (i == 3) {
      sample_.guest.Touch(sample_.mm, sample_.heap, kHeapAt + kPrivatePages * kPageBytes,
                          oracle::testing::Access::kWrite);
    }
    if (i == 4) sample_.guest.ProtectReadOnly(sample_.heap);
    Safepoint();
    std::vector<std::string>& now = answers[Steps()];
    for (const query::Words& words : questions) now.push_back(Text(query::Ask(Live(), words)));
    EXPECT_EQ(References(At(Steps())), References(Live()));
  }
  EXPECT_EQ(answers.size(), 5u);
  for (const auto& [step, expected] : answers) {
    for (size_t i = 0; i < questions.size(); ++i) {
      EXPECT_EQ(Text(query::Ask(At(step), questions[i])), expected[i])
          << "step " << step << ", " << questions[i][0];
    }
  }
}

TEST_F(RecordedMoment, DiffersFromAnotherStepAsTheGuestDid) {
  Safepoint();
  const uint64_t before = Steps();
  sample_.guest.Fork(sample_.child, 60);
  Safepoint();
  const absl::StatusOr<query::Answer> answer = query::Difference(At(before), At(Steps()));
  ASSERT_TRUE(answer.ok());
  uint64_t copy_on_write = 0;
  for (const query::Listing& listing : answer->listings) {
    for (const auto& row : listing.rows) {
      if (listing.name == "entries" && std::get<std::string>(row[4]) == "copy-on-write") {
        copy_on_write += std::get<uint64_t>(row[3]);
      }
      if (listing.name == "frames") EXPECT_TRUE(std::holds_alternative<std::monostate>(row[3]));
    }
  }
  EXPECT_GT(copy_on_write, 0u);
}

TEST_F(RecordedMoment, SaysWhatItHasNot) {
  Safepoint();
  const query::Moment moment = At(0);
  for (const query::Words& words : {query::Words{"find", "0x1234"}, {"slabs"}}) {
    EXPECT_NE(Text(query::Ask(moment, words)).find("no contents of memory"), std::string::npos);
  }
  const std::vector<uint8_t> bytes = Bytes();
  EXPECT_EQ(MomentAt(bytes, 1000).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(MomentAt({}, 0).status().code(), absl::StatusCode::kInvalidArgument);
  const std::span<const uint8_t> cut = std::span(bytes).first(24);  // in its first record
  EXPECT_NE(MomentAt(cut, 0).status().message().find("; it is cut off at byte "),
            absl::string_view::npos);
  std::vector<uint8_t> damaged = bytes;
  damaged[24] ^= 1;
  EXPECT_NE(MomentAt(damaged, 0).status().message().find("; it is damaged at byte "),
            absl::string_view::npos);
}

// A recording that was made by somebody else, with records that fit together but make no sense.
TEST_F(RecordedMoment, IsNotBelieved) {
  const auto with = [this](const schema::Change& state, uint64_t layout) {
    RecordingFile file(*CreateFile(""));
    schema::Record record;
    *record.mutable_header() = MakeHeader({}, boot_);
    record.mutable_header()->set_layout_hash(layout);
    file.Append(record);
    *record.mutable_keyframe()->mutable_state() = state;
    file.Append(record);
    file.Flush();
    std::vector<uint8_t> bytes(file.bytes_in_file());
    EXPECT_EQ(pread(file.fd(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return MomentAt(bytes, 0).status().code();
  };
  schema::Change change;
  EXPECT_EQ(with(change, proto::kLayoutHash), absl::StatusCode::kOk);
  EXPECT_EQ(with(change, 1), absl::StatusCode::kFailedPrecondition);
  schema::Table& table = *change.add_tables();
  table.set_level(1);
  table.set_frame(0xFFFFFFFF);
  EXPECT_EQ(with(change, proto::kLayoutHash), absl::StatusCode::kDataLoss);
  change.Clear();
  change.add_frames()->set_first(0xFFFFFF00);
  change.mutable_frames(0)->set_state(6);
  EXPECT_EQ(with(change, proto::kLayoutHash), absl::StatusCode::kDataLoss);
  change.Clear();
  schema::Mm& mm = *change.add_mms();
  mm.set_id(1);
  mm.set_address(8);
  mm.set_root(0xFFFFFFF0);
  schema::Vma& vma = *mm.add_vmas();
  vma.set_page(~uint64_t{0});
  vma.set_pages(~uint64_t{0});
  schema::Task& task = *change.add_tasks();
  task.set_pid(7);
  task.set_mm(1);
  task.set_name("a name that is much longer than a task's can be");
  EXPECT_EQ(with(change, proto::kLayoutHash), absl::StatusCode::kOk) << "its walk goes nowhere";
}

}  // namespace
}  // namespace fv::recording
