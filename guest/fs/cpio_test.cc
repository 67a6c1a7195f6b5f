// SPDX-License-Identifier: Apache-2.0
//
// The archive reader on good archives, on every truncation of one, and on damaged ones.
#include "guest/fs/cpio.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "guest/fs/testing/archive_builder.h"

namespace fv::guest {
namespace {

using testing::ArchiveBuilder;

std::vector<uint8_t> Sample() {
  return ArchiveBuilder()
      .Add(".", 0040755)
      .Add("./bin", 0040755)
      .Add("bin/tool", 0100755, "the content")
      .Add("/bin/sh", 0120777, "tool")
      .Add("empty", 0100644)
      .Finish();
}

// The members as "name:size", then "end" or "bad". Reads from an exact heap copy so that
// AddressSanitizer sees a read past the end.
std::string Walk(const std::vector<uint8_t>& archive) {
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[archive.size()]);
  std::copy(archive.begin(), archive.end(), copy.get());
  CpioReader reader(copy.get(), archive.size());
  std::string out;
  CpioMember member;
  for (;;) {
    Result<bool> more = reader.Next(member);
    if (!more.ok() || !more.value()) {
      return out + (more.ok() ? "end" : "bad");
    }
    uint64_t sum = 0;  // every byte that it names can be read
    for (size_t i = 0; i < member.bytes; ++i) {
      sum += member.data[i];
    }
    out += std::string(member.name, member.name_length) + ":" + std::to_string(member.bytes) +
           (sum == ~uint64_t{0} ? "!" : " ");
  }
}

TEST(Cpio, ReadsMembersInOrderAndCutsPrefixes) {
  EXPECT_EQ(Walk(Sample()), ":0 bin:0 bin/tool:11 bin/sh:4 empty:0 end");
}

TEST(Cpio, AnEmptyArchiveHasNoMembers) {
  EXPECT_EQ(Walk({}), "end");
  EXPECT_EQ(Walk(std::vector<uint8_t>(512, 0)), "end");
}

TEST(Cpio, FieldsAreHexadecimal) {
  const std::vector<uint8_t> archive =
      ArchiveBuilder().Add("f", 0104751, "x", 3, 0xABCDEF01, 1000).Finish();
  CpioReader reader(archive.data(), archive.size());
  CpioMember member;
  ASSERT_TRUE(reader.Next(member).value());
  EXPECT_EQ(member.mode, 0104751u);
  EXPECT_EQ(member.links, 3u);
  EXPECT_EQ(member.inode, 0xABCDEF01u);
  EXPECT_EQ(member.uid, 1000u);
  EXPECT_EQ(member.modified_s, 1000u);
}

TEST(Cpio, EveryTruncationEndsWithoutAWildRead) {
  const std::vector<uint8_t> whole = Sample();
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::string walked = Walk({whole.begin(), whole.begin() + static_cast<long>(length)});
    EXPECT_TRUE(walked.ends_with("end") || walked.ends_with("bad")) << length;
  }
}

TEST(Cpio, ALengthBeyondTheArchiveIsRefused) {
  std::vector<uint8_t> archive = ArchiveBuilder().Add("f", 0100644, "abc").Finish();
  std::copy_n("FFFFFFFF", 8, archive.begin() + 6 + 6 * 8);  // file size
  EXPECT_EQ(Walk(archive), "bad");
  archive = ArchiveBuilder().Add("f", 0100644, "abc").Finish();
  std::copy_n("FFFFFFFF", 8, archive.begin() + 6 + 11 * 8);  // name size
  EXPECT_EQ(Walk(archive), "bad");
  std::copy_n("00000000", 8, archive.begin() + 6 + 11 * 8);
  EXPECT_EQ(Walk(archive), "bad");
}

TEST(Cpio, DamagedBytesNeverLeadOutside) {
  const std::vector<uint8_t> whole = Sample();
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bad = whole;
    for (unsigned hits = 1 + random() % 4; hits > 0; --hits) {
      bad[random() % bad.size()] = static_cast<uint8_t>(random() % 2 == 0 ? random() : 'F');
    }
    const std::string walked = Walk(bad);
    ASSERT_TRUE(walked.ends_with("end") || walked.ends_with("bad"));
  }
}

}  // namespace
}  // namespace fv::guest
