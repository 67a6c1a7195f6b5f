// SPDX-License-Identifier: Apache-2.0
//
// Steps of events made here, with a kernel that notes where they were emitted, one that does not,
// and a guest that lies.
#include "src/fuzz/change_place.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "proto/layout.h"

namespace fv::fuzz {
namespace {

using proto::EventKind;
using proto::SafepointKind;

constexpr uint64_t kSitesAt = 0x8000;
constexpr uint64_t kSites = 4;
constexpr char kNames[] = "\0fv_event_sites\0Unmap\0Fork";

struct File {
  Elf64_Ehdr header{};
  Elf64_Shdr sections[3]{};  // symbols, names of all, places of events
  Elf64_Sym symbols[2]{};
  char names[sizeof(kNames)]{};
};

File Kernel() {
  File file;
  std::memcpy(file.header.e_ident, ELFMAG, SELFMAG);
  file.header.e_shoff = offsetof(File, sections);
  file.header.e_shnum = 3;
  file.header.e_shstrndx = 1;
  file.sections[0].sh_type = SHT_SYMTAB;
  file.sections[0].sh_link = 1;
  file.sections[0].sh_offset = offsetof(File, symbols);
  file.sections[0].sh_size = sizeof(File::symbols);
  file.sections[1].sh_type = SHT_STRTAB;
  file.sections[1].sh_offset = offsetof(File, names);
  file.sections[2].sh_name = 1;
  file.sections[2].sh_addr = proto::DirectMap(kSitesAt);
  file.sections[2].sh_size = kSites * sizeof(uint64_t);
  file.symbols[0] = {16, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0, 1, 0x1000, 0x100};
  file.symbols[1] = {22, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0, 1, 0x1100, 0x100};
  std::memcpy(file.names, kNames, sizeof(kNames));
  return file;
}

class ChangePlaceTest : public ::testing::Test {
 protected:
  // The next event, emitted by a call before `site`.
  void Emit(EventKind kind, uint64_t site, uint64_t a = 0) {
    proto::EventRecord event{};
    event.sequence = sequence_++;
    event.kind = kind;
    event.a = a;
    ASSERT_TRUE(
        memory_.Store(kSitesAt + event.sequence % kSites * sizeof(uint64_t), uint64_t{site}));
    step_.OnEvent(event);
  }
  std::string Place(SafepointKind kind = SafepointKind::kSyscall) {
    step_.OnSafepoint(kind);
    const std::span<const uint8_t> kernel(reinterpret_cast<const uint8_t*>(&kernel_),
                                          sizeof(kernel_));
    return PlaceOfChange(step_, EventSites(kernel), memory_, inspect::KernelSymbols(kernel),
                         nullptr)
        .name;
  }

  File kernel_ = Kernel();
  vmm::GuestMemory memory_{proto::kMinRamBytes};
  LastStep step_;
  uint64_t sequence_ = 0;
};

TEST_F(ChangePlaceTest, NamesTheFunctionOfTheLargestChange) {
  Emit(EventKind::kNewTask, 0x1180);
  EXPECT_EQ(Place(), "in Fork");
  Emit(EventKind::kSyscallEnter, 0x1180, 11);
  Emit(EventKind::kUnmap, 0x1100);  // the call stands at the end of its function
  Emit(EventKind::kMap, 0x1180);
  EXPECT_EQ(Place(), "in Unmap") << "what was before the last safepoint does not count";
}

TEST_F(ChangePlaceTest, NamesTheCallWhereNothingElseIsKnown) {
  Emit(EventKind::kSyscallEnter, 0x1180, 11);
  EXPECT_EQ(Place(), "in munmap");
  EXPECT_EQ(Place(), "");
  Emit(EventKind::kNewTask, 0x1180);
  EXPECT_EQ(Place(SafepointKind::kFinal), "at the end");
}

TEST_F(ChangePlaceTest, AKernelThatNotesNothingNamesTheEvent) {
  kernel_.names[1] = 'x';
  Emit(EventKind::kCowBreak, 0x1180);
  EXPECT_EQ(Place(), "in cow-break");
}

TEST_F(ChangePlaceTest, AGuestThatLiesNamesNothing) {
  Emit(EventKind::kUnmap, 0xFFFF'FFFF'FFFF'FFFF);
  EXPECT_EQ(Place(), "in unmap");
  Emit(static_cast<EventKind>(0xFFFF), 0x1180);
  EXPECT_EQ(Place(), "");
  kernel_.sections[2].sh_addr = proto::DirectMap(memory_.size());
  Emit(EventKind::kUnmap, 0x1180);
  EXPECT_EQ(Place(), "in unmap");
}

}  // namespace
}  // namespace fv::fuzz
