// SPDX-License-Identifier: Apache-2.0
#include "src/export/core_file.h"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "proto/layout.h"
#include "vmm/file_bytes.h"
#include "vmm/page_up.h"
#include "vmm/whole_file.h"

namespace fv::exports {
namespace {

using proto::kPageBytes;

// Notes are aligned to this, whatever the class of the file.
constexpr size_t kNoteAlign = 4;

template <typename T>
void AppendStruct(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

Elf64_Ehdr HeaderOf(size_t segments) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_CORE;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof(header);
  header.e_ehsize = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<Elf64_Half>(segments);
  return header;
}

absl::Status WriteAt(int fd, uint64_t offset, std::string_view bytes) {
  return vmm::WriteAllAt(fd, bytes, offset) ? absl::OkStatus() : vmm::ErrnoError("write");
}

}  // namespace

void CoreNotes::Add(uint32_t type, std::string_view content) {
  static constexpr char kOwner[] = "CORE";
  AppendStruct(bytes_, Elf64_Nhdr{sizeof(kOwner), static_cast<Elf64_Word>(content.size()), type});
  const auto pad = [this] { bytes_.append(-bytes_.size() % kNoteAlign, '\0'); };
  bytes_.append(kOwner, sizeof(kOwner));
  pad();
  bytes_.append(content);
  pad();
}

void SetRegisters(elf_prstatus& status, const user_regs_struct& registers) {
  static_assert(sizeof(status.pr_reg) == sizeof(registers));
  std::memcpy(&status.pr_reg, &registers, sizeof(registers));
}

absl::StatusOr<CoreFile> CoreFile::Begin(int fd, const CoreNotes& notes,
                                         const std::vector<CoreSegment>& segments) {
  if (segments.size() > kMostSegments) {
    return absl::ResourceExhaustedError(
        absl::StrCat(segments.size(), " segments are more than a core file has"));
  }
  std::string head;
  AppendStruct(head, HeaderOf(segments.size() + 1));
  Elf64_Phdr note{};
  note.p_type = PT_NOTE;
  note.p_offset = sizeof(Elf64_Ehdr) + (segments.size() + 1) * sizeof(Elf64_Phdr);
  note.p_filesz = notes.bytes().size();
  note.p_align = kNoteAlign;
  AppendStruct(head, note);
  const uint64_t start = vmm::PageUp(note.p_offset + note.p_filesz);
  uint64_t end = start;
  for (const CoreSegment& segment : segments) {
    Elf64_Phdr load{};
    load.p_type = PT_LOAD;
    load.p_flags = segment.flags;
    load.p_offset = start + segment.content;
    load.p_vaddr = segment.address;
    load.p_paddr = segment.physical;
    load.p_filesz = segment.file_bytes;
    load.p_memsz = segment.bytes;
    load.p_align = kPageBytes;
    AppendStruct(head, load);
    end = std::max(end, load.p_offset + load.p_filesz);
  }
  head += notes.bytes();
  const absl::Status written = WriteAt(fd, 0, head);
  if (!written.ok()) return written;
  return CoreFile(fd, start, end);
}

absl::Status CoreFile::Write(uint64_t content, std::string_view bytes) {
  return WriteAt(fd_, start_ + content, bytes);
}

absl::Status CoreFile::Finish() {
  return ::ftruncate(fd_, static_cast<off_t>(end_)) == 0 ? absl::OkStatus()
                                                         : vmm::ErrnoError("ftruncate");
}

}  // namespace fv::exports
