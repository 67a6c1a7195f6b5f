// SPDX-License-Identifier: Apache-2.0
//
// Snapshot files: what is written is read; whatever is cut, flipped or made up is refused with a
// reason.
#include "vmm/snapshot/snapshot_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "proto/channel.h"
#include "vmm/error.h"
#include "vmm/snapshot/file_layout.h"
#include "vmm/snapshot/hash.h"

namespace fv::vmm {
namespace {

constexpr uint64_t kKernelId = 77;
constexpr uint64_t kChannelGpa = 0x200000;
constexpr FrameRange kWindow = {(kChannelGpa + proto::kRestoreOffset) / 4096,
                                (kChannelGpa + proto::kChannelBytes) / 4096};

GuestMemory SomeMemory() {
  GuestMemory memory(proto::kMinRamBytes);
  // Single pages, a run, a run behind a short gap, the last page.
  for (uint64_t frame : {1, 256, 257, 258, 262, 1000, 4095}) {
    std::memset(memory.host_base() + frame * 4096, static_cast<int>(frame % 251 + 1), 4096);
  }
  std::memset(memory.host_base() + kWindow.first * 4096, 9, 4096);
  return memory;
}

Snapshot Sample(const GuestMemory& memory) {
  Snapshot snapshot{};
  snapshot.boot.magic = proto::kBootMagic;
  snapshot.boot.version = proto::kContractVersion;
  snapshot.boot.layout_hash = proto::kLayoutHash;
  snapshot.boot.ram_bytes = memory.size();
  snapshot.boot.kernel_root_gpa = 0x180000;
  snapshot.boot.channel_gpa = kChannelGpa;
  snapshot.boot.channel_bytes = proto::kChannelBytes;
  snapshot.boot.kernel_ring = 3;
  snapshot.boot.tsc_khz = 2'000'000;
  snapshot.kernel_id = kKernelId;
  snapshot.tick_ns = 4'000'000;
  snapshot.kernel_tsc = 12345;
  snapshot.tick = Tick::Due();
  snapshot.cpuid.resize(5);
  snapshot.cpuid[3].ecx = 99;
  snapshot.cpu.regs.rip = 0x700000100000;
  snapshot.cpu.msrs = {{0xC0000082, 0, 5}};
  snapshot.cpu.xsave.assign(4096, 3);
  snapshot.ram = RamImage::Copy(memory, kWindow);
  return snapshot;
}

class SnapshotFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* directory = std::getenv("TEST_TMPDIR");
    path_ = std::string(directory == nullptr ? "/tmp" : directory) + "/snapshot_file_test." +
            std::to_string(::getpid());
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::vector<char> Bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Overwrite(const std::vector<char>& bytes) const {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  // Why the file is refused; empty: it is not.
  std::string Refusal() const {
    try {
      ReadSnapshotFile(path_, kKernelId);
    } catch (const VmmError& error) {
      EXPECT_EQ(error.kind(), VmmErrorKind::kBadConfig) << error.what();
      return error.what();
    }
    return "";
  }
  void ExpectRefused(const std::string& reason) const {
    EXPECT_NE(Refusal().find(reason), std::string::npos) << Refusal();
  }

  std::string path_;
};

TEST_F(SnapshotFileTest, WhatIsWrittenIsRead) {
  const GuestMemory memory = SomeMemory();
  const Snapshot written = Sample(memory);
  WriteSnapshotFile(written, path_);
  const auto read = ReadSnapshotFile(path_, kKernelId);
  EXPECT_EQ(std::memcmp(&read->boot, &written.boot, sizeof(read->boot)), 0);
  EXPECT_EQ(read->tick_ns, written.tick_ns);
  EXPECT_EQ(read->kernel_tsc, written.kernel_tsc);
  EXPECT_TRUE(read->tick.due());
  EXPECT_EQ(read->cpuid.size(), 5u);
  EXPECT_EQ(read->cpuid[3].ecx, 99u);
  EXPECT_TRUE(DifferencesOf(read->cpu, written.cpu).empty());
  GuestMemory mapped = read->ram->MapPrivate();
  for (uint64_t frame = 0; frame < memory.size() / 4096; ++frame) {
    if (kWindow.Contains(frame)) continue;
    ASSERT_EQ(
        std::memcmp(mapped.host_base() + frame * 4096, memory.host_base() + frame * 4096, 4096), 0)
        << "frame " << frame;
  }
}

TEST_F(SnapshotFileTest, ZeroPagesAreLeftOut) {
  WriteSnapshotFile(Sample(SomeMemory()), path_);
  EXPECT_LT(std::filesystem::file_size(path_), 30 * 4096u);
}

TEST_F(SnapshotFileTest, MappingsArePrivate) {
  WriteSnapshotFile(Sample(SomeMemory()), path_);
  const auto read = ReadSnapshotFile(path_, kKernelId);
  GuestMemory one = read->ram->MapPrivate();
  const GuestMemory two = read->ram->MapPrivate();
  one.host_base()[4096] = 77;
  EXPECT_EQ(two.host_base()[4096], 2);
  EXPECT_EQ(read->ram->Page(1)[0], 2);
}

TEST_F(SnapshotFileTest, ANewFileDoesNotDisturbReadersOfTheOld) {
  GuestMemory memory = SomeMemory();
  WriteSnapshotFile(Sample(memory), path_);
  const auto old = ReadSnapshotFile(path_, kKernelId);
  memory.host_base()[4096] = 5;
  WriteSnapshotFile(Sample(memory), path_);
  EXPECT_EQ(old->ram->Page(1)[0], 2);
  EXPECT_EQ(ReadSnapshotFile(path_, kKernelId)->ram->Page(1)[0], 5);
}

TEST_F(SnapshotFileTest, AFileThatCannotBeFinishedIsNotThere) {
  const std::string directory = path_;
  std::filesystem::create_directory(directory);
  EXPECT_THROW(WriteSnapshotFile(Sample(SomeMemory()), directory), VmmError);
  EXPECT_TRUE(std::filesystem::is_empty(directory));
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(directory).parent_path())) {
    EXPECT_EQ(entry.path().string().find(directory + "."), std::string::npos) << entry;
  }
}

TEST_F(SnapshotFileTest, EveryCutIsNoticed) {
  WriteSnapshotFile(Sample(SomeMemory()), path_);
  const std::vector<char> whole = Bytes();
  std::vector<size_t> lengths = {0, 1, 7, 8, 9, sizeof(file::Header) - 1, sizeof(file::Header)};
  file::Header header;
  std::memcpy(&header, whole.data(), sizeof(header));
  for (const file::Section& section : header.sections) {
    for (const uint64_t at : {section.offset, section.offset + section.bytes}) {
      for (const int64_t by : {-1, 0, 1}) lengths.push_back(at + static_cast<uint64_t>(by));
    }
  }
  for (const size_t length : lengths) {
    if (length >= whole.size()) continue;
    Overwrite({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
    EXPECT_NE(Refusal(), "") << "cut at " << length;
  }
}

TEST_F(SnapshotFileTest, EveryFlippedBitIsNoticed) {
  WriteSnapshotFile(Sample(SomeMemory()), path_);
  const std::vector<char> whole = Bytes();
  file::Header header;
  std::memcpy(&header, whole.data(), sizeof(header));
  std::mt19937_64 random(1);
  std::vector<size_t> places;
  for (size_t at = 0; at < sizeof(header); ++at) places.push_back(at);
  for (const file::Section& section : header.sections) {
    for (int i = 0; i < 40; ++i) places.push_back(section.offset + random() % section.bytes);
  }
  for (const size_t at : places) {
    std::vector<char> changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1 << random() % 8);
    Overwrite(changed);
    EXPECT_NE(Refusal(), "") << "byte " << at;
  }
}

// Files whose checksums are right.
TEST_F(SnapshotFileTest, WhatIsMadeUpIsRefused) {
  const GuestMemory memory = SomeMemory();
  struct Case {
    const char* reason;
    void (*change)(Snapshot&);
  };
  const Case cases[] = {
      {"another build's", [](Snapshot& s) { ++s.boot.version; }},
      {"another build's", [](Snapshot& s) { ++s.boot.layout_hash; }},
      {"another one than this build's", [](Snapshot& s) { ++s.kernel_id; }},
      {"impossible size", [](Snapshot& s) { s.boot.ram_bytes = 4096; }},
      {"impossible size", [](Snapshot& s) { s.boot.ram_bytes = ~uint64_t{0}; }},
      {"channel is not in memory", [](Snapshot& s) { s.boot.channel_gpa = s.boot.ram_bytes; }},
      {"channel is not in memory", [](Snapshot& s) { s.boot.channel_gpa = ~uint64_t{4095}; }},
      {"channel is not in memory", [](Snapshot& s) { s.boot.channel_bytes = 1; }},
      {"root is not in memory", [](Snapshot& s) { s.boot.kernel_root_gpa = 1; }},
      {"no ring", [](Snapshot& s) { s.boot.kernel_ring = 1; }},
      {"no rate", [](Snapshot& s) { s.boot.tsc_khz = 0; }},
      {"impossible period", [](Snapshot& s) { s.tick_ns = 1; }},
      {"too many control registers", [](Snapshot& s) { s.cpu.xcrs.nr_xcrs = 1000; }},
      {"impossible size", [](Snapshot& s) { s.cpuid.resize(1000); }},
      {"impossible size", [](Snapshot& s) { s.cpu.msrs.resize(1000); }},
      {"impossible size", [](Snapshot& s) { s.cpu.xsave.resize(1 << 20); }},
      {"too small", [](Snapshot& s) { s.cpu.xsave.resize(8); }},
  };
  for (const Case& made_up : cases) {
    Snapshot snapshot = Sample(memory);
    made_up.change(snapshot);
    WriteSnapshotFile(snapshot, path_);
    ExpectRefused(made_up.reason);
  }
}

TEST_F(SnapshotFileTest, ExtentsThatLieAreRefused) {
  const auto with_extents = [&](auto change) {
    WriteSnapshotFile(Sample(SomeMemory()), path_);
    std::vector<char> bytes = Bytes();
    file::Header header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    file::Section& section = header.sections[static_cast<size_t>(file::SectionKind::kExtents)];
    std::vector<Extent> extents(section.bytes / sizeof(Extent));
    std::memcpy(extents.data(), bytes.data() + section.offset, section.bytes);
    change(extents);
    std::memcpy(bytes.data() + section.offset, extents.data(), section.bytes);
    section.hash = HashBytes({reinterpret_cast<uint8_t*>(extents.data()), section.bytes});
    header.hash = HashBytes({reinterpret_cast<uint8_t*>(&header), offsetof(file::Header, hash)});
    std::memcpy(bytes.data(), &header, sizeof(header));
    Overwrite(bytes);
  };
  with_extents([](std::vector<Extent>&) {});
  EXPECT_EQ(Refusal(), "");
  with_extents([](std::vector<Extent>& all) { all[0].first = 1 << 20; });
  ExpectRefused("not in memory");
  with_extents([](std::vector<Extent>& all) { all[1].first = all[0].first; });
  ExpectRefused("not in order");
  with_extents([](std::vector<Extent>& all) { all[0].count = 0; });
  ExpectRefused("not in memory");
  with_extents([](std::vector<Extent>& all) { all.back().count = ~uint64_t{0}; });
  ExpectRefused("not in memory");
  with_extents([](std::vector<Extent>& all) { all[0].offset = ~uint64_t{4095}; });
  ExpectRefused("not in the file");
  with_extents([](std::vector<Extent>& all) { all[0].offset = 8; });
  ExpectRefused("not in the file");
}

TEST_F(SnapshotFileTest, WhatIsNoSnapshotIsRefused) {
  ExpectRefused("No such file");
  Overwrite({'#', '!', '/', 'b', 'i', 'n', '/', 's', 'h', '\n'});
  ExpectRefused("no snapshot");
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  ExpectRefused("not a regular file");
}

}  // namespace
}  // namespace fv::vmm
