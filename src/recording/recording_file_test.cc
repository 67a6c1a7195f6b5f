// SPDX-License-Identifier: Apache-2.0
//
// What was written is read again; what was cut, damaged or left by a killed writer is read as far
// as it is whole.
#include "src/recording/recording_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "src/recording/file_format.h"
#include "src/recording/record_reader.h"

namespace fv::recording {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes ContentOf(int fd) {
  Bytes bytes(static_cast<size_t>(::lseek(fd, 0, SEEK_END)));
  EXPECT_EQ(::pread(fd, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return bytes;
}

schema::Record StepWith(uint64_t first_event) {
  schema::Record record;
  record.mutable_step()->set_first_event(first_event);
  record.mutable_step()->set_tsc(first_event * 1000);
  return record;
}

struct Read {
  std::vector<uint64_t> steps;  // first_event of each
  Tail tail;
  uint64_t position;
};
Read ReadAll(const Bytes& bytes) {
  absl::StatusOr<RecordReader> reader = RecordReader::Open(bytes);
  EXPECT_TRUE(reader.ok()) << reader.status();
  Read read{};
  while (std::optional<schema::Record> record = reader->Next()) {
    read.steps.push_back(record->step().first_event());
  }
  read.tail = reader->tail();
  read.position = reader->position();
  return read;
}

vmm::Fd Temporary() {
  absl::StatusOr<vmm::Fd> file = CreateFile("");
  EXPECT_TRUE(file.ok()) << file.status();
  return *std::move(file);
}

Bytes FileOf(uint64_t steps) {
  RecordingFile file(Temporary());
  for (uint64_t i = 0; i < steps; ++i) file.Append(StepWith(i));
  file.Close();
  EXPECT_TRUE(file.status().ok());
  EXPECT_EQ(file.bytes(), file.bytes_in_file());
  return ContentOf(file.fd());
}

TEST(RecordingFileTest, ReadsWhatWasWritten) {
  const Read read = ReadAll(FileOf(4));
  EXPECT_THAT(read.steps, ::testing::ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(read.tail, Tail::kEnd);
}

TEST(RecordingFileTest, ACutFileEndsWithTheLastWholeRecord) {
  const Bytes whole = FileOf(3);
  size_t records = 0;
  for (size_t size = kFileHeaderBytes; size < whole.size(); ++size) {
    const Read read = ReadAll(Bytes(whole.begin(), whole.begin() + static_cast<long>(size)));
    EXPECT_EQ(read.tail, read.position == size ? Tail::kEnd : Tail::kCut) << size;
    EXPECT_GE(read.steps.size(), records) << size;
    records = read.steps.size();
  }
  EXPECT_EQ(records, 2u);
}

TEST(RecordingFileTest, EveryFlippedBitOfARecordIsNoticed) {
  const Bytes whole = FileOf(2);
  const Read first = ReadAll(whole);
  ASSERT_EQ(first.steps.size(), 2u);
  for (size_t at = kFileHeaderBytes; at < whole.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes damaged = whole;
      damaged[at] ^= static_cast<uint8_t>(1u << bit);
      const Read read = ReadAll(damaged);
      EXPECT_LT(read.steps.size(), 2u) << at;
      EXPECT_TRUE(read.tail == Tail::kDamaged || read.tail == Tail::kCut) << at;
    }
  }
}

TEST(RecordingFileTest, ZeroesBehindTheEndAreNoRecord) {
  Bytes bytes = FileOf(1);
  bytes.resize(bytes.size() + 4096);
  const Read read = ReadAll(bytes);
  EXPECT_EQ(read.steps.size(), 1u);
  EXPECT_EQ(read.tail, Tail::kDamaged);
}

TEST(RecordingFileTest, OtherFilesAreRefused) {
  EXPECT_FALSE(RecordReader::Open({}).ok());
  EXPECT_FALSE(RecordReader::Open(Bytes(100, 'x')).ok());
  Bytes other = FileOf(0);
  other[kMagic.size()] = 99;
  EXPECT_FALSE(RecordReader::Open(other).ok());
}

// The child dies in the middle of what it does; what it had flushed is there.
TEST(RecordingFileTest, AKilledWriterLeavesAReadableFile) {
  const vmm::Fd shared = Temporary();
  int progress[2];
  ASSERT_EQ(::pipe(progress), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    RecordingFile file{vmm::Fd(::dup(shared.get()))};
    for (uint64_t i = 0;; ++i) {
      file.Append(StepWith(i));
      if (i == 10'000) (void)!::write(progress[1], "x", 1);
    }
  }
  char byte;
  ASSERT_EQ(::read(progress[0], &byte, 1), 1);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(progress[0]);
  ::close(progress[1]);
  const Read read = ReadAll(ContentOf(shared.get()));
  EXPECT_GT(read.steps.size(), 5'000u);
  EXPECT_NE(read.tail, Tail::kDamaged);
  for (size_t i = 0; i < read.steps.size(); ++i) ASSERT_EQ(read.steps[i], i);
}

TEST(RecordingFileTest, AFullDiskIsToldAndHarmsNothing) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 100'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  RecordingFile file(Temporary());
  for (uint64_t i = 0; i < 20'000; ++i) file.Append(StepWith(i));
  file.Close();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(file.status().ok());
  const Read read = ReadAll(ContentOf(file.fd()));
  EXPECT_GT(read.steps.size(), 1'000u);
  EXPECT_NE(read.tail, Tail::kDamaged);
}

}  // namespace
}  // namespace fv::recording
