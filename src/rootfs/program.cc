// SPDX-License-Identifier: Apache-2.0
//
// Looks at programs. The ELF checks here are for a clear message early; the guest kernel checks
// every file again when it executes it.
#include "src/rootfs/program.h"

#include <elf.h>

#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "proto/layout.h"
#include "src/rootfs/abseil.h"

namespace fv::rootfs {
namespace {

// Linux reads this much of a script's first line (BINPRM_BUF_SIZE).
constexpr size_t kScriptLineBytes = 256;

absl::Status Bad(std::string_view name, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(Abseil(name), " ", Abseil(why)));
}

template <typename T>
std::optional<T> ReadAt(std::string_view bytes, uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

absl::StatusOr<ProgramInfo> InspectScript(std::string_view name, std::string_view bytes) {
  std::string_view line = bytes.substr(2, kScriptLineBytes - 2);
  line = line.substr(0, line.find('\n'));
  size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return Bad(name, "is a script that names no interpreter");
  line = line.substr(begin);
  line = line.substr(0, line.find_first_of(" \t\r"));
  return ProgramInfo{ProgramKind::kScript, std::string(line)};
}

absl::Status CheckHeader(std::string_view name, const Elf64_Ehdr& header) {
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != EM_X86_64) {
    return Bad(name, "is an ELF file for another kind of CPU: Forkvisor runs 64-bit x86 programs");
  }
  if (header.e_type == ET_REL) {
    return Bad(name, "is an object file, not a program: link it first");
  }
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
    return Bad(name, "is an ELF file, but not a program");
  }
  if (header.e_phnum == 0 || header.e_phentsize != sizeof(Elf64_Phdr)) {
    return Bad(name, "is an ELF file without program headers");
  }
  return absl::OkStatus();
}

// Pages of the segment would begin behind the file's end: the program would die of them.
bool IsCutOff(const Elf64_Phdr& segment, uint64_t file_bytes) {
  if (segment.p_type != PT_LOAD || segment.p_filesz == 0 || segment.p_memsz == 0) return false;
  const uint64_t pages_end = (file_bytes + proto::kPageBytes - 1) & ~(proto::kPageBytes - 1);
  return segment.p_offset >= file_bytes || segment.p_filesz > pages_end - segment.p_offset;
}

absl::StatusOr<ProgramInfo> InspectElf(std::string_view name, std::string_view bytes) {
  std::optional<Elf64_Ehdr> header = ReadAt<Elf64_Ehdr>(bytes, 0);
  if (!header) return Bad(name, "is an ELF file that is cut off");
  absl::Status status = CheckHeader(name, *header);
  if (!status.ok()) return status;
  ProgramInfo info;
  if (header->e_type == ET_DYN) info.kind = ProgramKind::kStaticPie;
  bool loads = false;
  for (uint64_t i = 0; i < header->e_phnum; ++i) {
    std::optional<Elf64_Phdr> segment =
        header->e_phoff > bytes.size()
            ? std::nullopt
            : ReadAt<Elf64_Phdr>(bytes, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return Bad(name, "is an ELF file whose program headers are cut off");
    loads |= segment->p_type == PT_LOAD;
    if (IsCutOff(*segment, bytes.size())) {
      return Bad(name, absl::StrCat("is an ELF file that is cut off: its ", bytes.size(),
                                    " bytes end before its segments do"));
    }
    if (segment->p_type != PT_INTERP) continue;
    if (segment->p_offset > bytes.size() || segment->p_filesz > bytes.size() - segment->p_offset) {
      return Bad(name, "is an ELF file whose interpreter's name is cut off");
    }
    std::string_view interpreter = bytes.substr(segment->p_offset, segment->p_filesz);
    info.kind = ProgramKind::kDynamic;
    info.interpreter = interpreter.substr(0, interpreter.find('\0'));
  }
  if (!loads) return Bad(name, "is an ELF file with nothing to load");
  if (info.kind == ProgramKind::kStaticPie && header->e_entry == 0) {
    return Bad(name, "is a shared library, not a program");
  }
  return info;
}

}  // namespace

absl::StatusOr<ProgramInfo> InspectProgram(std::string_view name, std::string_view bytes) {
  if (bytes.empty()) return Bad(name, "is empty");
  if (bytes.starts_with("#!")) return InspectScript(name, bytes);
  if (bytes.starts_with(ELFMAG)) return InspectElf(name, bytes);
  return Bad(name, "is neither an ELF program nor a script with a #! line");
}

absl::Status DynamicProgramError(std::string_view name, std::string_view interpreter,
                                 std::string_view why) {
  return Bad(name, absl::StrCat("is dynamically linked by ", Abseil(interpreter), ": ", Abseil(why),
                                ". Link it statically (gcc -static, musl-gcc -static), or give a "
                                "root that holds its loader and libraries with --rootfs"));
}

bool MentionsShell(std::string_view bytes) {
  static constexpr char kShell[] = "/bin/sh";
  return memmem(bytes.data(), bytes.size(), kShell, sizeof(kShell)) != nullptr;
}

std::vector<std::string> BusyboxApplets(std::string_view bytes) {
  // The table is sorted and begins with the two names of test(1); its end is an empty name.
  static constexpr std::string_view kStart("\0[\0[[\0", 6);
  static constexpr size_t kMaxName = 32;
  std::vector<std::string> names;
  size_t at = bytes.find("BusyBox v");
  if (at == std::string_view::npos) return names;
  at = bytes.find(kStart);
  if (at == std::string_view::npos) return names;
  for (++at; at < bytes.size() && bytes[at] != '\0';) {
    size_t end = bytes.find('\0', at);
    if (end == std::string_view::npos || end - at > kMaxName) break;
    names.emplace_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

}  // namespace fv::rootfs
