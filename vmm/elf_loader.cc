// SPDX-License-Identifier: Apache-2.0
//
// Every number of the file is checked before it is used; sums are compared by subtraction, so
// they cannot wrap.
#include "vmm/elf_loader.h"

#include <elf.h>

#include <cstring>
#include <string>

#include "proto/layout.h"
#include "vmm/error.h"
#include "vmm/page_up.h"

namespace fv::vmm {
namespace {

constexpr unsigned kMaxProgramHeaders = 64;

[[noreturn]] void Refuse(const std::string& reason) {
  throw VmmError(VmmErrorKind::kBadImage, "guest kernel image refused: " + reason);
}

void Require(bool condition, const char* reason) {
  if (!condition) Refuse(reason);
}

template <typename T>
T CopyFrom(std::span<const std::byte> file, uint64_t offset) {
  T value;
  std::memcpy(&value, file.data() + offset, sizeof(T));
  return value;
}

Elf64_Ehdr CheckHeader(std::span<const std::byte> file) {
  Require(file.size() >= sizeof(Elf64_Ehdr), "shorter than an ELF header");
  const auto header = CopyFrom<Elf64_Ehdr>(file, 0);
  Require(std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0, "not an ELF file");
  Require(header.e_ident[EI_CLASS] == ELFCLASS64, "not a 64-bit ELF file");
  Require(header.e_ident[EI_DATA] == ELFDATA2LSB, "not little endian");
  Require(header.e_ident[EI_VERSION] == EV_CURRENT && header.e_version == EV_CURRENT,
          "unknown ELF version");
  Require(header.e_type == ET_EXEC, "not a static executable (ET_EXEC)");
  Require(header.e_machine == EM_X86_64, "not for x86-64");
  Require(header.e_phentsize == sizeof(Elf64_Phdr), "wrong size of a program header");
  Require(header.e_phnum > 0, "no program headers");
  Require(header.e_phnum <= kMaxProgramHeaders, "too many program headers");
  const uint64_t table_bytes = uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
  Require(header.e_phoff <= file.size() && table_bytes <= file.size() - header.e_phoff,
          "program headers outside the file");
  return header;
}

ImageSegment CheckSegment(const Elf64_Phdr& segment, uint64_t file_bytes, uint64_t ram_bytes) {
  Require(segment.p_filesz <= segment.p_memsz, "segment larger in the file than in memory");
  Require(segment.p_offset <= file_bytes && segment.p_filesz <= file_bytes - segment.p_offset,
          "segment outside the file");
  Require(segment.p_vaddr % proto::kPageBytes == 0, "segment not page aligned");
  Require(segment.p_vaddr >= proto::kKernelBase &&
              segment.p_paddr == segment.p_vaddr - proto::kKernelBase,
          "segment not at its place in the direct map");
  Require(segment.p_paddr >= proto::kImagePhys, "segment below the image's address");
  Require(segment.p_paddr < ram_bytes && segment.p_memsz <= ram_bytes - segment.p_paddr,
          "segment does not fit into RAM");
  const bool writable = (segment.p_flags & PF_W) != 0;
  const bool executable = (segment.p_flags & PF_X) != 0;
  Require(!(writable && executable), "segment writable and executable");
  return {segment.p_paddr, segment.p_memsz, writable, executable};
}

void AddSegment(LoadedImage& image, const ImageSegment& segment) {
  Require(segment.gpa >= image.end_gpa, "segments overlap, share a page or are not in order");
  image.segments.push_back(segment);
  image.end_gpa = PageUp(segment.gpa + segment.bytes);
}

bool IsExecutable(const LoadedImage& image, uint64_t gpa) {
  for (const ImageSegment& segment : image.segments) {
    if (segment.executable && gpa >= segment.gpa && gpa - segment.gpa < segment.bytes) return true;
  }
  return false;
}

}  // namespace

LoadedImage CheckImage(std::span<const std::byte> file, uint64_t ram_bytes) {
  const Elf64_Ehdr header = CheckHeader(file);
  LoadedImage image{};
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = CopyFrom<Elf64_Phdr>(file, header.e_phoff + i * sizeof(Elf64_Phdr));
    Require(segment.p_type != PT_INTERP && segment.p_type != PT_DYNAMIC,
            "needs a dynamic linker or relocation");
    if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
    AddSegment(image, CheckSegment(segment, file.size(), ram_bytes));
  }
  Require(!image.segments.empty(), "nothing to load");
  Require(header.e_entry >= proto::kKernelBase &&
              IsExecutable(image, header.e_entry - proto::kKernelBase),
          "entry point not in an executable segment");
  Require(IsExecutable(image, proto::kStubTextPhys), "stub text not in an executable segment");
  image.entry_gva = header.e_entry;
  return image;
}

LoadedImage LoadImage(std::span<const std::byte> file, GuestMemory& memory) {
  LoadedImage image = CheckImage(file, memory.size());
  const auto header = CopyFrom<Elf64_Ehdr>(file, 0);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = CopyFrom<Elf64_Phdr>(file, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (segment.p_type != PT_LOAD || segment.p_filesz == 0) continue;
    if (!memory.Write(segment.p_paddr, file.data() + segment.p_offset, segment.p_filesz)) {
      Refuse("segment does not fit into RAM");
    }
  }
  return image;
}

}  // namespace fv::vmm
