// SPDX-License-Identifier: Apache-2.0
//
// Core files of a synthetic guest whose memory is known, and of damaged ones. What gdb makes of
// them: //tests/gdb:core_test.
#include <elf.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "src/export/file_question.h"
#include "src/query/testing/sample_moment.h"
#include "src/query/user_memory.h"
#include "vmm/fd.h"

namespace fv::exports {
namespace {

using oracle::testing::kHeapAt;
using oracle::testing::kSharedAt;
using proto::kPageBytes;

class FilesTest : public query::testing::SampleMomentTest {
 protected:
  // The answer to a question; empty if there is none.
  std::string Ask(const query::Words& words) {
    const query::Moment moment = Now();
    const vmm::Fd fd(memfd_create("core", MFD_CLOEXEC));
    answer_ = AskForFile(&moment, words, fd.get());
    if (!answer_.ok()) return "";
    std::string content(static_cast<size_t>(lseek(fd.get(), 0, SEEK_END)), '\0');
    EXPECT_EQ(pread(fd.get(), content.data(), content.size(), 0),
              static_cast<ssize_t>(content.size()));
    return content;
  }

  absl::StatusOr<query::Answer> answer_;
};

template <typename T>
T At(const std::string& file, uint64_t offset) {
  T value{};
  EXPECT_LE(offset + sizeof(T), file.size());
  if (offset + sizeof(T) <= file.size()) std::memcpy(&value, file.data() + offset, sizeof(T));
  return value;
}

std::vector<Elf64_Phdr> Segments(const std::string& file, uint32_t type) {
  const auto header = At<Elf64_Ehdr>(file, 0);
  EXPECT_EQ(header.e_type, ET_CORE);
  std::vector<Elf64_Phdr> segments;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = At<Elf64_Phdr>(file, header.e_phoff + i * sizeof(Elf64_Phdr));
    EXPECT_LE(segment.p_offset + segment.p_filesz, file.size());
    if (segment.p_type == type) segments.push_back(segment);
  }
  return segments;
}

// Content of the notes of a type.
std::vector<std::string> Notes(const std::string& file, uint32_t type) {
  std::vector<std::string> found;
  const std::vector<Elf64_Phdr> segments = Segments(file, PT_NOTE);
  if (segments.size() != 1) return found;
  const auto padded = [](uint64_t bytes) { return (bytes + 3) & ~uint64_t{3}; };
  uint64_t at = segments[0].p_offset;
  const uint64_t end = at + segments[0].p_filesz;
  while (at < end) {
    const auto note = At<Elf64_Nhdr>(file, at);
    at += sizeof(note) + padded(note.n_namesz);
    if (note.n_type == type) found.push_back(file.substr(at, note.n_descsz));
    at += padded(note.n_descsz);
  }
  EXPECT_EQ(at, end);
  return found;
}

// What the file has for an address.
std::string PageAt(const std::string& file, uint64_t address) {
  for (const Elf64_Phdr& segment : Segments(file, PT_LOAD)) {
    const uint64_t offset = address - segment.p_vaddr;
    if (offset < segment.p_filesz) return file.substr(segment.p_offset + offset, kPageBytes);
  }
  return "";
}

TEST_F(FilesTest, CoreOfATaskHasItsMappingsAndTheirPages) {
  constexpr char kText[] = "a copy of its own";
  const uint64_t mine = sample_.guest.PeekPte(sample_.child_mm, kHeapAt) & proto::kPteFrameMask;
  std::memcpy(sample_.guest.At<char[sizeof(kText)]>(mine), kText, sizeof(kText));
  const std::string core = Ask({"core", std::to_string(Pid(sample_.child))});
  const std::vector<proto::GuestPtr> vmas = sample_.guest.Vmas(sample_.child_mm);
  const std::vector<Elf64_Phdr> segments = Segments(core, PT_LOAD);
  ASSERT_EQ(segments.size(), vmas.size());
  for (size_t i = 0; i < vmas.size(); ++i) {
    const auto& vma = sample_.guest.Peek<proto::VmaRecord>(vmas[i]);
    EXPECT_EQ(segments[i].p_vaddr, vma.start);
    EXPECT_EQ(segments[i].p_memsz, vma.end - vma.start);
    EXPECT_EQ((segments[i].p_flags & PF_W) != 0, (vma.flags & proto::kVmWrite) != 0);
  }
  EXPECT_STREQ(PageAt(core, kHeapAt).c_str(), kText);
  const query::Moment moment = Now();
  for (const inspect::Mm& mm : moment.snapshot.mms) {
    if (mm.address != sample_.child_mm) continue;
    const query::UserMemory memory(moment, mm);
    for (const Elf64_Phdr& segment : segments) {
      for (uint64_t at = segment.p_vaddr; at < segment.p_vaddr + segment.p_filesz;
           at += kPageBytes) {
        const std::string page = memory.Bytes(at, kPageBytes);
        if (!page.empty()) EXPECT_EQ(PageAt(core, at), page) << std::hex << at;
      }
    }
  }
  // Page 6 of the shared mapping was never touched; the memory behind it has page 8.
  sample_.guest.AddObjectPage(sample_.shared, 8);
  const uint64_t frame = sample_.guest.ObjectPage(sample_.shared, 8);
  sample_.guest.At<char[1]>(frame * kPageBytes)[0][0] = '!';
  const std::string with_page = Ask({"core", std::to_string(Pid(sample_.child))});
  EXPECT_EQ(PageAt(with_page, kSharedAt + 6 * kPageBytes)[0], '!');
}

TEST_F(FilesTest, CoreOfAProcessHasItsThreadsTheChosenOneFirst) {
  for (const proto::GuestPtr first : {sample_.parent, sample_.thread}) {
    const std::string core = Ask({"core", std::to_string(Pid(first))});
    const std::vector<std::string> statuses = Notes(core, NT_PRSTATUS);
    ASSERT_EQ(statuses.size(), 2u);
    EXPECT_EQ(At<elf_prstatus>(statuses[0], 0).pr_pid, static_cast<pid_t>(Pid(first)));
    const std::vector<std::string> processes = Notes(core, NT_PRPSINFO);
    ASSERT_EQ(processes.size(), 1u);
    EXPECT_EQ(At<elf_prpsinfo>(processes[0], 0).pr_pid, static_cast<pid_t>(Pid(sample_.parent)));
  }
  EXPECT_FALSE(answer_->notes.empty()) << "there is no auxiliary vector, which has to be said";
}

TEST_F(FilesTest, CoreOfTheGuestIsItsMemory) {
  const std::string core = Ask({"vmcore"});
  const std::vector<Elf64_Phdr> segments = Segments(core, PT_LOAD);
  ASSERT_FALSE(segments.empty());
  EXPECT_EQ(segments[0].p_vaddr, proto::kKernelBase);
  EXPECT_EQ(segments[0].p_paddr, 0u);
  EXPECT_EQ(segments[0].p_filesz, sample_.guest.ram_bytes());
  const query::Moment moment = Now();
  for (uint64_t pfn = 0; pfn < moment.snapshot.frames.size(); ++pfn) {
    if (!query::FrameInUse(moment.snapshot, pfn)) continue;
    const uint64_t at = segments[0].p_offset + pfn * kPageBytes;
    ASSERT_EQ(std::memcmp(core.data() + at, sample_.guest.ram() + pfn * kPageBytes, kPageBytes), 0)
        << pfn;
  }
  EXPECT_EQ(Notes(core, NT_PRSTATUS).size(), 0u);
  EXPECT_EQ(answer_->notes.size(), 1u) << "the registers are missing, which has to be said";
}

TEST_F(FilesTest, WrongQuestionsAreNamed) {
  for (const query::Words& words :
       {query::Words{"core"}, {"core", "two"}, {"core", "2", "3"}, {"vmcore", "2"}, {"ps"}}) {
    EXPECT_EQ(AskForFile(nullptr, words, -1).status().code(), absl::StatusCode::kInvalidArgument)
        << words[0];
  }
  Ask({"core", "31000"});
  EXPECT_EQ(answer_.status().code(), absl::StatusCode::kNotFound);
}

// Whatever a guest writes into its structures, a file comes or an error, in time and in order.
TEST_F(FilesTest, DamagedGuestsAreAnsweredToo) {
  std::mt19937_64 random(7);
  const std::string pid = std::to_string(Pid(sample_.parent));
  for (int round = 0; round < 100; ++round) {
    Damage(random);
    const absl::StatusOr<query::Moment> moment = query::TakeMoment(Ram(), query::Keep::kLive);
    if (!moment.ok()) continue;
    for (const query::Words& words : {query::Words{"core", pid}, {"vmcore"}}) {
      const vmm::Fd fd(memfd_create("core", MFD_CLOEXEC));
      (void)AskForFile(&*moment, words, fd.get());
    }
  }
}

}  // namespace
}  // namespace fv::exports
