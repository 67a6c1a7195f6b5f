// SPDX-License-Identifier: Apache-2.0
//
// Builds small guest kernel images (ELF) for tests: well formed unless the test changes the
// headers before Bytes().
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "proto/layout.h"

namespace fv::vmm::testing {

class ElfBuilder {
 public:
  ElfBuilder() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_entry = proto::DirectMap(proto::kImagePhys);
    header.e_phoff = sizeof(Elf64_Ehdr);
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_phentsize = sizeof(Elf64_Phdr);
  }

  // Appends a PT_LOAD segment; its content follows the program headers in the file.
  ElfBuilder& Load(uint64_t gpa, uint32_t flags, std::span<const uint8_t> content,
                   uint64_t memory_bytes) {
    Elf64_Phdr segment{};
    segment.p_type = PT_LOAD;
    segment.p_flags = flags;
    segment.p_offset = kContentOffset + content_.size();
    segment.p_vaddr = proto::DirectMap(gpa);
    segment.p_paddr = gpa;
    segment.p_filesz = content.size();
    segment.p_memsz = memory_bytes;
    segment.p_align = proto::kPageBytes;
    segments.push_back(segment);
    content_.insert(content_.end(), content.begin(), content.end());
    return *this;
  }

  std::vector<uint8_t> Bytes() const {
    std::vector<uint8_t> file(kContentOffset + content_.size());
    Elf64_Ehdr written = header;
    if (written.e_phnum == 0 && !no_headers) {
      written.e_phnum = static_cast<uint16_t>(segments.size());
    }
    std::memcpy(file.data(), &written, sizeof(written));
    std::memcpy(file.data() + sizeof(Elf64_Ehdr), segments.data(),
                segments.size() * sizeof(Elf64_Phdr));
    std::memcpy(file.data() + kContentOffset, content_.data(), content_.size());
    return file;
  }

  Elf64_Ehdr header{};  // e_phnum 0: filled in by Bytes
  std::vector<Elf64_Phdr> segments;
  bool no_headers = false;  // leave e_phnum at 0

 private:
  static constexpr size_t kContentOffset = 1024;
  std::vector<uint8_t> content_;
};

// A kernel of one text page (the stub's, with `code`) and writable pages up to 1 MiB + 64 KiB,
// which hold the stub's GDT, TSS, IDT and data.
inline std::vector<uint8_t> TinyKernel(std::span<const uint8_t> code) {
  constexpr uint64_t kDataBytes = 15 * proto::kPageBytes;
  return ElfBuilder()
      .Load(proto::kStubTextPhys, PF_R | PF_X, code, proto::kPageBytes)
      .Load(proto::kStubGdtPhys, PF_R | PF_W, {}, kDataBytes)
      .Bytes();
}

}  // namespace fv::vmm::testing
