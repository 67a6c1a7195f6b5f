// SPDX-License-Identifier: Apache-2.0
//
// Tables of odd ELF files: each is a good file with one thing wrong.
#include "guest/task/elf.h"

#include <gtest/gtest.h>
#include <linux/elf.h>

#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "proto/layout.h"

namespace fv::guest {
namespace {

struct Image {
  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> segments;
};

Image GoodImage() {
  Image image;
  memcpy(image.header.e_ident, ELFMAG, SELFMAG);
  image.header.e_ident[EI_CLASS] = ELFCLASS64;
  image.header.e_ident[EI_DATA] = ELFDATA2LSB;
  image.header.e_type = ET_EXEC;
  image.header.e_machine = EM_X86_64;
  image.header.e_phentsize = sizeof(Elf64_Phdr);
  image.header.e_phoff = sizeof(Elf64_Ehdr);
  image.header.e_entry = 0x401000;
  Elf64_Phdr text{};
  text.p_type = PT_LOAD;
  text.p_flags = PF_R | PF_X;
  text.p_vaddr = 0x400000;
  text.p_filesz = text.p_memsz = 0x1800;
  text.p_align = 0x1000;
  Elf64_Phdr data = text;
  data.p_flags = PF_R | PF_W;
  data.p_offset = 0x1800;
  data.p_vaddr = 0x402800;
  data.p_filesz = 0x100;
  data.p_memsz = 0x5000;
  image.segments = {text, data};
  return image;
}

int Parse(Image image, ElfPlan& plan) {
  if (image.header.e_phnum == 0) {
    image.header.e_phnum = static_cast<uint16_t>(image.segments.size());
  }
  uint8_t header[kElfHeaderBytes];
  memcpy(header, &image.header, sizeof(header));
  const Result<ElfLayout> layout = ParseElfHeader(header);
  if (!layout.ok()) {
    return layout.error().number();
  }
  image.segments.resize(layout.value().count);
  const Status status =
      ParseElfSegments(header, reinterpret_cast<const uint8_t*>(image.segments.data()),
                       layout.value(), proto::kMmapTop, plan);
  return status.ok() ? 0 : status.error().number();
}

TEST(Elf, GoodImageHasAPlan) {
  ElfPlan plan;
  ASSERT_EQ(Parse(GoodImage(), plan), 0);
  EXPECT_EQ(plan.segment_count, 2u);
  EXPECT_FALSE(plan.position_independent);
  EXPECT_EQ(plan.start, 0x400000u);
  EXPECT_EQ(plan.end, 0x408000u);
  EXPECT_EQ(plan.headers_address, 0x400040u);
  EXPECT_EQ(plan.entry, 0x401000u);
}

TEST(Elf, PositionIndependentMayStartAtZero) {
  Image image = GoodImage();
  image.header.e_type = ET_DYN;
  image.header.e_entry = 0x1000;
  image.segments[0].p_vaddr = 0;
  image.segments[1].p_vaddr = 0x2800;
  ElfPlan plan;
  ASSERT_EQ(Parse(image, plan), 0);
  EXPECT_TRUE(plan.position_independent);
  EXPECT_EQ(plan.headers_address, 0x40u);
}

struct Bad {
  std::string what;
  std::function<void(Image&)> spoil;
};

void ExpectEach(const std::vector<Bad>& cases, int error) {
  for (const Bad& bad : cases) {
    Image image = GoodImage();
    bad.spoil(image);
    ElfPlan plan;
    EXPECT_EQ(Parse(image, plan), error) << bad.what;
  }
}

TEST(Elf, WhatIsNoProgramIsRefused) {
  ExpectEach(
      {
          {"magic", [](Image& i) { i.header.e_ident[1] = 'X'; }},
          {"another machine", [](Image& i) { i.header.e_machine = EM_386; }},
          {"relocatable", [](Image& i) { i.header.e_type = ET_REL; }},
          {"core file", [](Image& i) { i.header.e_type = ET_CORE; }},
          {"header size", [](Image& i) { i.header.e_phentsize = 32; }},
          {"too many headers", [](Image& i) { i.header.e_phnum = 0xFFFF; }},
          {"headers far away", [](Image& i) { i.header.e_phoff = ~uint64_t{0}; }},
          {"too many segments",
           [](Image& i) {
             const Elf64_Phdr one = i.segments[0];
             for (unsigned n = 0; n <= kMaxLoadSegments; ++n) {
               Elf64_Phdr next = one;
               next.p_vaddr = 0x500000 + n * 0x10000;
               i.segments.push_back(next);
             }
           }},
      },
      ENOEXEC);
}

TEST(Elf, EveryBrokenProgramIsFound) {
  ExpectEach(
      {
          {"entry above user space", [](Image& i) { i.header.e_entry = ~uint64_t{0}; }},
          {"entry in the kernel", [](Image& i) { i.header.e_entry = proto::kKernelBase; }},
          {"nothing to load",
           [](Image& i) {
             for (Elf64_Phdr& s : i.segments) {
               s.p_type = PT_NOTE;
             }
           }},
          {"file part larger", [](Image& i) { i.segments[0].p_filesz = 0x1801; }},
          {"address wraps", [](Image& i) { i.segments[1].p_vaddr = ~uint64_t{0x7FF}; }},
          {"size wraps", [](Image& i) { i.segments[1].p_memsz = ~uint64_t{0}; }},
          {"reaches the kernel",
           [](Image& i) { i.segments[1].p_vaddr = proto::kMmapTop - 0x1000 + 0x800; }},
          {"in the kernel", [](Image& i) { i.segments[1].p_vaddr = proto::kKernelBase + 0x800; }},
          {"offset not congruent", [](Image& i) { i.segments[1].p_offset = 0x1900; }},
          {"offset wraps", [](Image& i) { i.segments[1].p_offset = ~uint64_t{0x7FF}; }},
          {"page zero", [](Image& i) { i.segments[0].p_vaddr = 0; }},
          {"below the lowest address", [](Image& i) { i.segments[0].p_vaddr = 0x8000; }},
      },
      EINVAL);
}

TEST(Elf, WhatLinuxDoesNotLookAtIsTaken) {
  ExpectEach(
      {
          {"32 bits", [](Image& i) { i.header.e_ident[EI_CLASS] = ELFCLASS32; }},
          {"big endian", [](Image& i) { i.header.e_ident[EI_DATA] = ELFDATA2MSB; }},
          {"descending", [](Image& i) { std::swap(i.segments[0], i.segments[1]); }},
          {"overlapping", [](Image& i) { i.segments[1].p_vaddr = 0x401800; }},
          {"many headers", [](Image& i) { i.segments.resize(kMaxProgramHeaders); }},
      },
      0);
}

TEST(Elf, TheSpanIsThatOfAllSegmentsInAnyOrder) {
  Image image = GoodImage();
  std::swap(image.segments[0], image.segments[1]);
  ElfPlan plan;
  ASSERT_EQ(Parse(image, plan), 0);
  EXPECT_EQ(plan.start, 0x400000u);
  EXPECT_EQ(plan.end, 0x408000u);
}

TEST(Elf, TheDynamicLinkersNameIsFound) {
  Image image = GoodImage();
  Elf64_Phdr interpreter{};
  interpreter.p_type = PT_INTERP;
  interpreter.p_offset = 0x238;
  interpreter.p_filesz = 28;
  image.segments.insert(image.segments.begin(), interpreter);
  ElfPlan plan;
  EXPECT_EQ(Parse(image, plan), 0);
  EXPECT_EQ(plan.interpreter_offset, 0x238u);
  EXPECT_EQ(plan.interpreter_bytes, 28u);
  for (const uint64_t bad : {uint64_t{0}, uint64_t{1}, kMaxInterpreterBytes + 1}) {
    image.segments[0].p_filesz = bad;
    EXPECT_EQ(Parse(image, plan), ENOEXEC) << bad;
  }
}

// Whatever the bytes say, an accepted plan stays inside user space.
TEST(Elf, RandomBytesNeverMakeABadPlan) {
  std::mt19937_64 random(3);
  unsigned accepted = 0;
  for (int round = 0; round < 200000; ++round) {
    Image image = GoodImage();
    auto* bytes = reinterpret_cast<uint8_t*>(image.segments.data());
    for (int i = 0; i < 3; ++i) {
      bytes[random() % (2 * sizeof(Elf64_Phdr))] = static_cast<uint8_t>(random());
    }
    ElfPlan plan;
    if (Parse(image, plan) != 0) {
      continue;
    }
    ++accepted;
    for (unsigned i = 0; i < plan.segment_count; ++i) {
      const ElfSegment& segment = plan.segments[i];
      ASSERT_LE(segment.file_bytes, segment.memory_bytes);
      ASSERT_LE(segment.address + segment.memory_bytes, proto::kMmapTop);
      ASSERT_GE(segment.address, proto::kUserStart);
    }
  }
  EXPECT_GT(accepted, 100u);
}

}  // namespace
}  // namespace fv::guest
