// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/exec_files.h"

#include <elf.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "src/fuzz/reset.h"

namespace fv::fuzz {
namespace {

constexpr uint32_t kExecutable = 0755;

// A program of one page without an instruction of its own: its interpreter runs (PT_INTERP).
std::string InterpretedProgram() {
  constexpr uint64_t kAddress = 0x10000000;
  constexpr uint64_t kPage = 4096;
  struct {
    Elf64_Ehdr head;
    Elf64_Phdr segments[2];
    char interpreter[sizeof(kExecutorPath)];
  } file{};
  constexpr uint64_t kInterpreterAt = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
  const unsigned char magic[] = {ELFMAG0,    ELFMAG1,     ELFMAG2,   ELFMAG3,
                                 ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
  std::copy(std::begin(magic), std::end(magic), file.head.e_ident);
  file.head.e_type = ET_EXEC;
  file.head.e_machine = EM_X86_64;
  file.head.e_version = EV_CURRENT;
  file.head.e_entry = kAddress;
  file.head.e_phoff = sizeof(Elf64_Ehdr);
  file.head.e_ehsize = sizeof(Elf64_Ehdr);
  file.head.e_phentsize = sizeof(Elf64_Phdr);
  file.head.e_phnum = 2;
  file.segments[0] = {.p_type = PT_INTERP,
                      .p_flags = PF_R,
                      .p_offset = kInterpreterAt,
                      .p_vaddr = kAddress + kInterpreterAt,
                      .p_paddr = kAddress + kInterpreterAt,
                      .p_filesz = sizeof(kExecutorPath),
                      .p_memsz = sizeof(kExecutorPath),
                      .p_align = 1};
  file.segments[1] = {.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_W,
                      .p_offset = 0,
                      .p_vaddr = kAddress,
                      .p_paddr = kAddress,
                      .p_filesz = sizeof(file),
                      .p_memsz = 2 * kPage,
                      .p_align = kPage};
  std::copy(std::begin(kExecutorPath), std::end(kExecutorPath), file.interpreter);
  return {reinterpret_cast<const char*>(&file), sizeof(file)};
}

}  // namespace

absl::Status AddExecFiles(rootfs::FileTree& tree) {
  const std::string path = kExecutorPath;
  const std::pair<std::string, std::string> files[] = {
      {"/script", "#!" + path + "\n"},
      {"/deep", "#! /script  one word \n"},
      {"/interpreted", InterpretedProgram()},
      {"/loop", "#!/loop\n"},
      {"/empty", ""},
      {"/short", "\177ELF"},
  };
  for (const auto& [name, content] : files) {
    absl::Status status = tree.AddFile(name, content, kExecutable);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace fv::fuzz
