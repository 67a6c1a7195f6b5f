// SPDX-License-Identifier: Apache-2.0
//
// One malformed file for each check of the loader, and the file that all of them are made from.
#include "vmm/elf_loader.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <vector>

#include "proto/layout.h"
#include "vmm/error.h"
#include "vmm/testing/elf_builder.h"

namespace fv::vmm {
namespace {

using proto::DirectMap;
using proto::kImagePhys;
using proto::kPageBytes;
using testing::ElfBuilder;

constexpr uint64_t kRam = proto::kMinRamBytes;

ElfBuilder GoodImage() {
  const std::vector<uint8_t> text(100, 0x90);
  const std::vector<uint8_t> constants(50, 0x11);
  const std::vector<uint8_t> data(30, 0x22);
  ElfBuilder builder;
  builder.Load(kImagePhys, PF_R | PF_X, text, 2 * kPageBytes)
      .Load(kImagePhys + 2 * kPageBytes, PF_R, constants, 50)
      .Load(kImagePhys + 4 * kPageBytes, PF_R | PF_W, data, 3 * kPageBytes + 1);
  return builder;
}

std::span<const std::byte> AsBytes(const std::vector<uint8_t>& file) {
  return std::as_bytes(std::span(file));
}

std::string ReasonAgainst(const std::vector<uint8_t>& file) {
  try {
    CheckImage(AsBytes(file), kRam);
  } catch (const VmmError& error) {
    EXPECT_EQ(error.kind(), VmmErrorKind::kBadImage);
    return error.what();
  }
  return "accepted";
}

TEST(ElfLoaderTest, LoadsSegmentsWithPermissions) {
  GuestMemory memory(kRam);
  const std::vector<uint8_t> file = GoodImage().Bytes();
  const LoadedImage image = LoadImage(AsBytes(file), memory);
  EXPECT_EQ(image.entry_gva, DirectMap(kImagePhys));
  EXPECT_EQ(image.end_gpa, kImagePhys + 8 * kPageBytes);
  ASSERT_EQ(image.segments.size(), 3u);
  EXPECT_TRUE(image.segments[0].executable && !image.segments[0].writable);
  EXPECT_TRUE(!image.segments[1].executable && !image.segments[1].writable);
  EXPECT_TRUE(!image.segments[2].executable && image.segments[2].writable);
  EXPECT_EQ(memory.Load<uint8_t>(kImagePhys + 99), 0x90);
  EXPECT_EQ(memory.Load<uint8_t>(kImagePhys + 100), 0);
  EXPECT_EQ(memory.Load<uint8_t>(kImagePhys + 2 * kPageBytes), 0x11);
  EXPECT_EQ(memory.Load<uint8_t>(kImagePhys + 4 * kPageBytes + 29), 0x22);
  EXPECT_EQ(memory.Load<uint8_t>(kImagePhys + 4 * kPageBytes + 30), 0) << "bss";
}

TEST(ElfLoaderTest, IgnoresOtherHeadersAndEmptySegments) {
  ElfBuilder builder = GoodImage();
  Elf64_Phdr note{};
  note.p_type = PT_GNU_STACK;
  note.p_flags = PF_R | PF_W | PF_X;
  builder.segments.push_back(note);
  builder.Load(kImagePhys, PF_R | PF_W | PF_X, {}, 0);
  EXPECT_EQ(ReasonAgainst(builder.Bytes()), "accepted");
}

struct Malformed {
  const char* name;
  std::function<void(ElfBuilder&)> change;
  const char* reason;
};

class MalformedImageTest : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedImageTest, IsRefusedWithItsReason) {
  ElfBuilder builder = GoodImage();
  GetParam().change(builder);
  const std::string reason = ReasonAgainst(builder.Bytes());
  EXPECT_NE(reason.find(GetParam().reason), std::string::npos) << reason;
}

INSTANTIATE_TEST_SUITE_P(
    All, MalformedImageTest,
    ::testing::Values(
        Malformed{"Magic", [](auto& b) { b.header.e_ident[1] = 'X'; }, "not an ELF file"},
        Malformed{"Class", [](auto& b) { b.header.e_ident[EI_CLASS] = ELFCLASS32; }, "64-bit"},
        Malformed{"Endian", [](auto& b) { b.header.e_ident[EI_DATA] = ELFDATA2MSB; }, "endian"},
        Malformed{"IdentVersion", [](auto& b) { b.header.e_ident[EI_VERSION] = 0; }, "version"},
        Malformed{"Version", [](auto& b) { b.header.e_version = 2; }, "version"},
        Malformed{"Pie", [](auto& b) { b.header.e_type = ET_DYN; }, "ET_EXEC"},
        Malformed{"Machine", [](auto& b) { b.header.e_machine = EM_AARCH64; }, "x86-64"},
        Malformed{"HeaderSize", [](auto& b) { b.header.e_phentsize = 32; }, "wrong size"},
        Malformed{"NoHeaders", [](auto& b) { b.no_headers = true; }, "no program headers"},
        Malformed{"ManyHeaders", [](auto& b) { b.header.e_phnum = 65; }, "too many"},
        Malformed{"TableOutside", [](auto& b) { b.header.e_phoff = 1 << 20; }, "outside the file"},
        Malformed{"TableWraps", [](auto& b) { b.header.e_phoff = ~0ull - 8; }, "outside the file"},
        Malformed{"Interpreter", [](auto& b) { b.segments[1].p_type = PT_INTERP; }, "dynamic"},
        Malformed{"Dynamic", [](auto& b) { b.segments[1].p_type = PT_DYNAMIC; }, "relocation"},
        Malformed{"FileLarger", [](auto& b) { b.segments[0].p_memsz = 99; }, "larger in the file"},
        Malformed{"OffsetOutside", [](auto& b) { b.segments[0].p_offset = 1 << 20; },
                  "segment outside the file"},
        Malformed{"OffsetWraps", [](auto& b) { b.segments[0].p_offset = ~0ull; },
                  "segment outside the file"},
        Malformed{"Unaligned",
                  [](auto& b) {
                    b.segments[0].p_vaddr += 16;
                    b.segments[0].p_paddr += 16;
                  },
                  "not page aligned"},
        Malformed{"LowAddress", [](auto& b) { b.segments[0].p_vaddr = 0x400000; }, "direct map"},
        Malformed{"HighAddress", [](auto& b) { b.segments[0].p_vaddr = 0xFFFFFFFF80000000; },
                  "direct map"},
        Malformed{"Physical", [](auto& b) { b.segments[0].p_paddr += kPageBytes; }, "direct map"},
        Malformed{"BelowImage",
                  [](auto& b) {
                    b.segments[0].p_vaddr = DirectMap(kPageBytes);
                    b.segments[0].p_paddr = kPageBytes;
                  },
                  "below"},
        Malformed{"AboveRam",
                  [](auto& b) {
                    b.segments[2].p_vaddr = DirectMap(kRam);
                    b.segments[2].p_paddr = kRam;
                  },
                  "fit into RAM"},
        Malformed{"EndAboveRam", [](auto& b) { b.segments[2].p_memsz = kRam; }, "fit into RAM"},
        Malformed{"EndWraps", [](auto& b) { b.segments[2].p_memsz = ~0ull - 4096; },
                  "fit into RAM"},
        Malformed{"WriteAndExecute", [](auto& b) { b.segments[0].p_flags |= PF_W; },
                  "writable and executable"},
        Malformed{"Overlap", [](auto& b) { b.segments[0].p_memsz = 2 * kPageBytes + 1; },
                  "overlap"},
        Malformed{"Order", [](auto& b) { std::swap(b.segments[1], b.segments[2]); },
                  "not in order"},
        Malformed{"NothingToLoad",
                  [](auto& b) {
                    for (auto& s : b.segments) s.p_type = PT_NOTE;
                  },
                  "nothing to load"},
        Malformed{"EntryBelow", [](auto& b) { b.header.e_entry = 0x1000; }, "entry point"},
        Malformed{"EntryInData", [](auto& b) { b.header.e_entry = b.segments[2].p_vaddr; },
                  "entry point"},
        Malformed{"EntryBehindText", [](auto& b) { b.header.e_entry += 2 * kPageBytes; },
                  "entry point"},
        Malformed{"NoStub",
                  [](auto& b) {
                    b.segments.erase(b.segments.begin());
                    b.segments[0].p_flags = PF_R | PF_X;
                    b.header.e_entry = b.segments[0].p_vaddr;
                  },
                  "stub text"}),
    [](const auto& test) { return test.param.name; });

TEST(ElfLoaderTest, EveryTruncationIsRefused) {
  const std::vector<uint8_t> file = GoodImage().Bytes();
  for (size_t length = 0; length < file.size(); ++length) {
    const std::vector<uint8_t> cut(file.begin(), file.begin() + static_cast<long>(length));
    ASSERT_NE(ReasonAgainst(cut), "accepted") << length;
  }
}

// Whatever is accepted must load without touching anything outside its segments.
TEST(ElfLoaderTest, RandomDamageNeverEscapes) {
  std::mt19937_64 random(20240607);
  const std::vector<uint8_t> good = GoodImage().Bytes();
  constexpr size_t kHeaderBytes = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> file = good;
    for (uint64_t hits = random() % 3 + 1; hits > 0; --hits) {
      file[random() % kHeaderBytes] = static_cast<uint8_t>(random());
    }
    try {
      const LoadedImage image = CheckImage(AsBytes(file), kRam);
      ASSERT_LE(image.end_gpa, kRam);
      ASSERT_GE(image.segments.front().gpa, kImagePhys);
    } catch (const VmmError& error) {
      ASSERT_EQ(error.kind(), VmmErrorKind::kBadImage);
    }
  }
}

}  // namespace
}  // namespace fv::vmm
