// SPDX-License-Identifier: Apache-2.0
//
// An ELF file of type ET_CORE: header, program headers (PT_NOTE, a PT_LOAD for each mapping),
// notes, then the pages that the process's filter lets through; pages that were never written are
// holes. Writing to a memory file system does not block, so on one CPU no other thread of the group
// runs meanwhile; with several they have to be stopped first.
#include "guest/task/core_dump.h"

#include <asm/resource.h>
#include <linux/elf.h>
#include <linux/fcntl.h>

#include "guest/arch/arch.h"
#include "guest/fs/core_name.h"
#include "guest/fs/fs_context.h"
#include "guest/fs/path.h"
#include "guest/fs/proc_source.h"
#include "guest/fs/vfs.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/string.h"
#include "guest/mm/dump_ranges.h"
#include "guest/task/core_notes.h"

namespace fv::guest {
namespace {

constexpr uint64_t kNsPerSec = 1'000'000'000;
constexpr uint32_t kCoreMode = 0600;

// The file, up to a limit of bytes written.
class CoreFile {
 public:
  CoreFile(File& file, const Task& task)
      : file_(file),
        context_{.file_size_limit = task.rlimit(RLIMIT_FSIZE)},
        limit_(task.rlimit(RLIMIT_CORE)) {}

  bool Emit(const void* bytes, size_t count) {
    if (written_ + count > limit_) {
      return false;
    }
    IoBuffer from = IoBuffer::Kernel(const_cast<void*>(bytes), count);
    const Result<uint64_t> moved = file_.Write(from, position_, context_);
    written_ += count;
    return moved.ok() && moved.value() == count;
  }
  void Skip(uint64_t count) { position_ += count; }
  void SkipTo(uint64_t position) { position_ = position; }
  uint64_t position() const { return position_; }

 private:
  File& file_;
  IoContext context_;
  uint64_t limit_;
  uint64_t position_ = 0;
  uint64_t written_ = 0;
};

uint64_t PageUp(uint64_t value) {
  return (value + proto::kPageBytes - 1) & ~uint64_t{proto::kPageBytes - 1};
}

Elf64_Ehdr FileHeader(uint64_t segments) {
  Elf64_Ehdr header{};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_CORE;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof(header);
  header.e_ehsize = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<Elf64_Half>(segments);  // mappings are at most 65,530
  return header;
}

Elf64_Phdr SegmentOf(const Vma& vma, uint64_t dumped, uint64_t offset) {
  Elf64_Phdr segment{};
  segment.p_type = PT_LOAD;
  segment.p_offset = offset;
  segment.p_vaddr = vma.start;
  segment.p_filesz = dumped;
  segment.p_memsz = vma.end - vma.start;
  segment.p_flags = ((vma.flags & proto::kVmRead) != 0 ? PF_R : 0u) |
                    ((vma.flags & proto::kVmWrite) != 0 ? PF_W : 0u) |
                    ((vma.flags & proto::kVmExec) != 0 ? PF_X : 0u);
  segment.p_align = proto::kPageBytes;
  return segment;
}

bool WriteHeaders(CoreFile& core, Mm& mm, const TextBuffer& notes) {
  const uint64_t segments = uint64_t{mm.vma_count} + 1;
  const Elf64_Ehdr header = FileHeader(segments);
  Elf64_Phdr note{};
  note.p_type = PT_NOTE;
  note.p_offset = sizeof(header) + segments * sizeof(Elf64_Phdr);
  note.p_filesz = notes.size();
  note.p_align = 4;
  if (!core.Emit(&header, sizeof(header)) || !core.Emit(&note, sizeof(note))) {
    return false;
  }
  uint64_t offset = PageUp(note.p_offset + note.p_filesz);
  for (const Vma& vma : mm.vma_list()) {
    const uint64_t dumped = DumpedBytes(mm, vma);
    const Elf64_Phdr segment = SegmentOf(vma, dumped, offset);
    if (!core.Emit(&segment, sizeof(segment))) {
      return false;
    }
    offset += dumped;
  }
  return core.Emit(notes.data(), notes.size());
}

bool WritePages(CoreFile& core, Mm& mm) {
  core.SkipTo(PageUp(core.position()));
  bool hole = false;
  for (const Vma& vma : mm.vma_list()) {
    const uint64_t end = vma.start + DumpedBytes(mm, vma);
    for (uint64_t at = vma.start; at < end; at += proto::kPageBytes) {
      const void* page = DumpPage(mm, at);
      hole = page == nullptr;
      if (hole) {
        core.Skip(proto::kPageBytes);
      } else if (!core.Emit(page, proto::kPageBytes)) {
        return false;
      }
    }
  }
  if (!hole) {
    return true;
  }
  core.SkipTo(core.position() - 1);  // a hole at the end is part of the file
  return core.Emit("", 1);
}

// What core_pattern asks for. Errors: those of FormatCoreName.
Status NameCore(Task& task, int signo, char (&name)[kCoreNameBytes]) {
  SystemInfo system{};
  FillSystemInfo(system);
  char exe[kCoreNameBytes] = "";
  if (task.exe_file() != nullptr) {
    const Result<size_t> length =
        FormatPath(task.exe_file()->dentry(), *RootDentry(), exe, sizeof(exe));
    exe[length.ok() ? length.value() : 0] = '\0';
  }
  CoreNameFacts facts;
  facts.pid = task.tgid;
  facts.tid = task.pid;
  facts.uid = task.cred().uid;
  facts.gid = task.cred().gid;
  facts.signo = static_cast<uint32_t>(signo);
  facts.dumpable = task.dumpable;
  facts.seconds = RealtimeNs() / kNsPerSec;
  facts.limit = task.rlimit(RLIMIT_CORE);
  facts.comm = task.comm;
  facts.hostname = system.hostname;
  facts.exe = exe;
  return FormatCoreName(SystemCorePattern(), facts, name);
}

// A new file: one that stands there goes first, so that nobody else has it open or linked.
Result<Ref<File>> OpenCore(Task& task, const char* name) {
  const PathCaller caller{task.fs(), task.cred(), task.files_or_null()};
  (void)RemoveFile(caller, AT_FDCWD, name).ok();
  return OpenPath(caller, AT_FDCWD, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_LARGEFILE,
                  kCoreMode, IoContext{});
}

bool WriteCore(Task& task, const SigInfo& info) {
  char name[kCoreNameBytes];
  if (!NameCore(task, info.signo, name).ok()) {
    return false;
  }
  TextBuffer notes;
  AddCoreNotes(notes, task, info);
  Result<Ref<File>> file = OpenCore(task, name);
  if (notes.failed() || !file.ok()) {
    return false;
  }
  CoreFile core(*file.value(), task);
  Mm& mm = *task.mm();
  const bool whole = WriteHeaders(core, mm, notes) && WritePages(core, mm);
  EmitEvent(proto::EventKind::kCoreDump, static_cast<uint64_t>(info.signo), core.position(),
            whole ? 1 : 0);
  return true;
}

}  // namespace

bool DumpCore(Task& task, const SigInfo& info) {
  const uint64_t limit = task.rlimit(RLIMIT_CORE);
  const bool exiting = (task.signal().flags & kSignalGroupExit) != 0;
  if (task.mm() == nullptr || task.dumpable != 1 || exiting) {
    return false;
  }
  task.flags |= kPfDumpCore;
  return limit >= proto::kPageBytes && WriteCore(task, info);
}

}  // namespace fv::guest
