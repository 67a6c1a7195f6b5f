// SPDX-License-Identifier: Apache-2.0
//
// The journal: what was written comes back, after a kill at any byte too, and nothing else does.
#include "src/lab/journal.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_format.h"

namespace fv::lab {
namespace {

const Identity kIdentity = {{"matrix", "a b"}, {"machine", "one"}};

std::string NewFile(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / name;
  std::filesystem::remove(path);
  return path.string();
}

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void SetContent(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

Batch Sample(uint64_t number) {
  Batch batch{.cell = "classic/size:0", .cycles = number, .tsc_khz = 2'000'000};
  batch.seconds = 0.5;
  batch.calibration = 77;
  batch.kernel_ring = 3;
  batch.huge_bytes = 4096;
  batch.series["fork"] = {number, number + 1};
  ForkCost fork;
  fork.age = Age::kAgain;
  fork.record.cycles[2] = number;
  fork.record.ptes = 5;
  fork.copied_child = 6;
  batch.forks.push_back(fork);
  batch.kvm = KvmPerFork{1.5, 2, static_cast<double>(number)};
  return batch;
}

// A journal with three batches.
std::string Written(const std::string& name) {
  std::string path = NewFile(name);
  absl::StatusOr<Journal> journal = Journal::Open(path, kIdentity);
  EXPECT_TRUE(journal.ok()) << journal.status();
  for (uint64_t i = 1; i <= 3; ++i) EXPECT_TRUE(journal->Append(Sample(i)).ok());
  return path;
}

TEST(Journal, BatchesComeBack) {
  const std::string path = Written("back");
  const absl::StatusOr<Journal> journal = Journal::Open(path, kIdentity);
  ASSERT_TRUE(journal.ok()) << journal.status();
  ASSERT_EQ(journal->batches().size(), 3u);
  for (uint64_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(ToJson(journal->batches()[i - 1]), ToJson(Sample(i)));
  }
}

TEST(Journal, WhatCannotBeReadIsNotCutOff) {
  // A file that can be opened for writing, and whose beginning cannot be read.
  const absl::Status status = Journal::Open("/proc/self/mem", kIdentity).status();
  EXPECT_NE(status.message().find("read"), absl::string_view::npos) << status;
}

// Lines that are whole, and say what no journal says.
TEST(Journal, WordsOfAnotherKindAreNone) {
  const std::string path = NewFile("other");
  for (const char* json :
       {"[]", "7", R"({"format":1,"identity":{}})", R"({"format":"forkvisor journal 1"})",
        R"({"format":"forkvisor journal 1","identity":[]})",
        R"({"format":"forkvisor journal 1","identity":{"matrix":1}})"}) {
    const std::string text = json;
    const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size());
    SetContent(path, absl::StrFormat("%08x %s\n", sum, text));
    EXPECT_FALSE(Journal::Open(path, kIdentity).ok()) << json;
  }
}

TEST(Journal, OldOnesAreRead) {
  const std::string path = NewFile("old");
  const std::string old =
      "83e91f5e {\"format\":\"forkvisor journal 1\",\"identity\":"
      "{\"machine\":\"one\",\"matrix\":\"a b\"}}\n";
  SetContent(path, old);
  EXPECT_TRUE(Journal::Open(path, kIdentity).ok());
  EXPECT_EQ(Content(path), old) << "not begun anew";
  SetContent(path, "93" + old.substr(2));
  EXPECT_FALSE(Journal::Open(path, kIdentity).ok()) << "another checksum";
}

TEST(Journal, AKillAtAnyByteLosesOneBatchAtMost) {
  const std::string whole = Content(Written("whole"));
  const std::string path = NewFile("cut");
  size_t last = 0;
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    SetContent(path, whole.substr(0, cut));
    absl::StatusOr<Journal> journal = Journal::Open(path, kIdentity);
    ASSERT_TRUE(journal.ok()) << cut << journal.status();
    const auto end = whole.begin() + static_cast<std::ptrdiff_t>(cut);
    const auto complete = static_cast<size_t>(std::count(whole.begin(), end, '\n'));
    ASSERT_EQ(journal->batches().size(), complete == 0 ? 0 : complete - 1) << cut;
    ASSERT_GE(journal->batches().size(), last);
    last = journal->batches().size();
    if (cut % 50 != 0) continue;
    // It goes on behind what was good.
    ASSERT_TRUE(journal->Append(Sample(9)).ok());
    *journal = Journal::Open(NewFile("other"), kIdentity).value();  // lets the file go
    absl::StatusOr<Journal> again = Journal::Open(path, kIdentity);
    ASSERT_TRUE(again.ok()) << cut;
    ASSERT_EQ(again->batches().size(), last + 1) << cut;
    EXPECT_EQ(again->batches().back().cycles, 9u);
  }
  EXPECT_EQ(last, 3u);
}

TEST(Journal, ADamagedLineEndsIt) {
  const std::string path = Written("damaged");
  std::string text = Content(path);
  const size_t second = text.find('\n', text.find('\n') + 1) + 30;
  text[second] ^= 1;
  SetContent(path, text);
  const absl::StatusOr<Journal> journal = Journal::Open(path, kIdentity);
  ASSERT_TRUE(journal.ok());
  EXPECT_EQ(journal->batches().size(), 1u);
}

TEST(Journal, RefusesAnotherExperimentWithTheReason) {
  const std::string path = Written("another");
  const absl::StatusOr<Journal> journal =
      Journal::Open(path, {{"matrix", "a b"}, {"machine", "two"}});
  ASSERT_FALSE(journal.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(journal.status()));
  EXPECT_NE(std::string(journal.status().message()).find("another machine: one; now it is two"),
            std::string::npos)
      << journal.status();
}

TEST(Journal, RefusesWhatIsNoJournal) {
  const std::string path = NewFile("text");
  for (const char* text : {"a text of somebody\nwho needs it\n", "without an end of line", "42"}) {
    SetContent(path, text);
    const absl::StatusOr<Journal> journal = Journal::Open(path, kIdentity);
    EXPECT_TRUE(absl::IsInvalidArgument(journal.status())) << journal.status();
    EXPECT_EQ(Content(path), text);
  }
  EXPECT_FALSE(Journal::Open("/no/such/folder/journal", kIdentity).ok());
}

TEST(Journal, HasOneWriter) {
  const std::string path = NewFile("writer");
  const absl::StatusOr<Journal> first = Journal::Open(path, kIdentity);
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Journal::Open(path, kIdentity).status()));
}

TEST(Batch, RefusesNonsense) {
  EXPECT_FALSE(BatchFromJson(nlohmann::json::array()).ok());
  nlohmann::json json = ToJson(Sample(1));
  EXPECT_TRUE(BatchFromJson(json).ok());
  json["tsc_khz"] = 0;
  EXPECT_FALSE(BatchFromJson(json).ok());
  json = ToJson(Sample(1));
  json["forks"][0].push_back(1);
  EXPECT_FALSE(BatchFromJson(json).ok());
  json = ToJson(Sample(1));
  json["series"]["fork"] = "many";
  EXPECT_FALSE(BatchFromJson(json).ok());
}

}  // namespace
}  // namespace fv::lab
