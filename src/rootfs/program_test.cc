// SPDX-License-Identifier: Apache-2.0
//
// Telling programs apart from their bytes.
#include "src/rootfs/program.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace fv::rootfs {
namespace {

struct Elf {
  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> segments;
  std::string tail;

  Elf() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_phoff = sizeof(Elf64_Ehdr);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_entry = 0x401000;
    Add(PT_LOAD, 0, 0);
  }
  void Add(uint32_t type, uint64_t offset, uint64_t bytes) {
    segments.push_back({.p_type = type,
                        .p_flags = 0,
                        .p_offset = offset,
                        .p_vaddr = 0,
                        .p_paddr = 0,
                        .p_filesz = bytes,
                        .p_memsz = bytes,
                        .p_align = 0});
    header.e_phnum = static_cast<uint16_t>(segments.size());
  }
  void AddInterpreter(const std::string& path) {
    Add(PT_INTERP, sizeof(Elf64_Ehdr) + (segments.size() + 1) * sizeof(Elf64_Phdr),
        path.size() + 1);
    tail = path + std::string(1, '\0');
  }
  std::string Bytes() const {
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
    bytes.append(reinterpret_cast<const char*>(segments.data()),
                 segments.size() * sizeof(Elf64_Phdr));
    return bytes + tail;
  }
};

std::string Message(const Elf& elf) {
  return std::string(InspectProgram("prog", elf.Bytes()).status().message());
}

TEST(InspectProgram, Static) {
  Elf elf;
  EXPECT_EQ(InspectProgram("p", elf.Bytes())->kind, ProgramKind::kStatic);
  elf.header.e_type = ET_DYN;
  EXPECT_EQ(InspectProgram("p", elf.Bytes())->kind, ProgramKind::kStaticPie);
}

TEST(InspectProgram, Dynamic) {
  Elf elf;
  elf.AddInterpreter("/lib/ld.so");
  const auto info = InspectProgram("p", elf.Bytes());
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->kind, ProgramKind::kDynamic);
  EXPECT_EQ(info->interpreter, "/lib/ld.so");
  const std::string message(DynamicProgramError("p", info->interpreter, "gone").message());
  EXPECT_NE(message.find("/lib/ld.so"), std::string::npos);
  EXPECT_NE(message.find("gone"), std::string::npos);
  EXPECT_NE(message.find("-static"), std::string::npos) << "says what to do";
}

TEST(InspectProgram, Scripts) {
  EXPECT_EQ(InspectProgram("s", "#!/bin/sh\necho\n")->interpreter, "/bin/sh");
  EXPECT_EQ(InspectProgram("s", "#! \t/usr/bin/env sh\n")->interpreter, "/usr/bin/env");
  EXPECT_EQ(InspectProgram("s", "#!/bin/sh\r\n")->interpreter, "/bin/sh");
  EXPECT_FALSE(InspectProgram("s", "#!  \n/bin/sh").ok());
}

TEST(InspectProgram, RefusesWithAReason) {
  EXPECT_FALSE(InspectProgram("p", "").ok());
  EXPECT_FALSE(InspectProgram("p", "hello").ok());
  EXPECT_FALSE(InspectProgram("p", "\177ELF").ok());
  Elf arm;
  arm.header.e_machine = EM_AARCH64;
  EXPECT_NE(Message(arm).find("another kind of CPU"), std::string::npos);
  Elf i386;
  i386.header.e_ident[EI_CLASS] = ELFCLASS32;
  EXPECT_NE(Message(i386).find("another kind of CPU"), std::string::npos);
  Elf object;
  object.header.e_type = ET_REL;
  EXPECT_NE(Message(object).find("object file"), std::string::npos);
  Elf library;
  library.header.e_type = ET_DYN;
  library.header.e_entry = 0;
  EXPECT_NE(Message(library).find("shared library"), std::string::npos);
  Elf empty;
  empty.segments[0].p_type = PT_NULL;
  EXPECT_NE(Message(empty).find("nothing to load"), std::string::npos);
}

TEST(InspectProgram, OffsetsOutsideTheFile) {
  Elf far_headers;
  far_headers.header.e_phoff = ~uint64_t{0} - 8;
  EXPECT_NE(Message(far_headers).find("cut off"), std::string::npos);
  Elf many;
  many.header.e_phnum = 0xFFFE;
  EXPECT_NE(Message(many).find("cut off"), std::string::npos);
  Elf interpreter;
  interpreter.Add(PT_INTERP, ~uint64_t{0}, 16);
  EXPECT_NE(Message(interpreter).find("cut off"), std::string::npos);
}

TEST(InspectProgram, SegmentsBehindTheFilesEnd) {
  constexpr uint64_t kPage = 4096;
  const auto bytes_of = [](uint64_t offset, uint64_t file_bytes) {
    Elf elf;
    elf.Add(PT_LOAD, offset, file_bytes);
    elf.tail.resize(kPage + 100 - elf.Bytes().size());
    return elf.Bytes();
  };
  EXPECT_TRUE(InspectProgram("p", bytes_of(kPage, 100)).ok());
  EXPECT_TRUE(InspectProgram("p", bytes_of(kPage, kPage)).ok()) << "zeros to the page's end";
  for (const uint64_t file_bytes : {kPage + 1, 2 * kPage, ~uint64_t{0}}) {
    EXPECT_EQ(InspectProgram("p", bytes_of(kPage, file_bytes)).status().message(),
              "p is an ELF file that is cut off: its 4196 bytes end before its segments do");
  }
  for (const uint64_t offset : {kPage + 100, 2 * kPage, ~uint64_t{0}}) {
    EXPECT_FALSE(InspectProgram("p", bytes_of(offset, 1)).ok()) << offset;
    EXPECT_TRUE(InspectProgram("p", bytes_of(offset, 0)).ok()) << "nothing of it is in the file";
  }
}

TEST(BusyboxApplets, ReadsTheTable) {
  using namespace std::string_literals;
  const std::string bytes = "junk BusyBox v1.35 junk\0[\0[[\0ash\0cat\0\0after"s;
  EXPECT_EQ(BusyboxApplets(bytes), (std::vector<std::string>{"[", "[[", "ash", "cat"}));
  EXPECT_TRUE(BusyboxApplets("no table\0[\0[[\0ash\0\0"s).empty()) << "not a busybox";
  EXPECT_TRUE(BusyboxApplets("BusyBox v1.35"s).empty());
  EXPECT_EQ(BusyboxApplets("BusyBox v1\0[\0[[\0cut"s).size(), 2u) << "ends with the file";
}

TEST(MentionsShell, NeedsTheWholePath) {
  using namespace std::string_literals;
  EXPECT_TRUE(MentionsShell("xx/bin/sh\0yy"s));
  EXPECT_FALSE(MentionsShell("xx/bin/shadow\0yy"s));
}

}  // namespace
}  // namespace fv::rootfs
