// SPDX-License-Identifier: Apache-2.0
//
// See task_core.h. What the kernel keeps of a program's start is read where the program has it: on
// its stack (argc, argv, envp and the auxiliary vector, from MmRecord::start_stack on).
#include "src/export/task_core.h"

#include <elf.h>
#include <sys/procfs.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/export/core_file.h"
#include "src/export/task_registers.h"
#include "src/inspect/render.h"
#include "src/inspect/table_reader.h"
#include "src/query/mappings.h"
#include "src/query/user_memory.h"

namespace fv::exports {
namespace {

using inspect::Mm;
using inspect::Snapshot;
using inspect::Task;
using inspect::Vma;
using proto::kPageBytes;
using proto::kPageShift;
using query::Moment;

// ---- What a program was started with -----------------------------------------------------------

struct Start {
  std::string arguments;  // with blanks between them
  std::string auxv;       // as NT_AUXV has it; empty: not found
};

// The words up to a null one, at most `most`; `at` is then behind it.
std::vector<uint64_t> WordsToNull(const query::UserMemory& memory, uint64_t& at, size_t most) {
  std::vector<uint64_t> words;
  while (words.size() < most) {
    const uint64_t word = memory.Word(at).value_or(0);
    at += sizeof(word);
    if (word == 0) break;
    words.push_back(word);
  }
  return words;
}

Start ReadStart(const Moment& moment, const Mm& mm) {
  constexpr size_t kMostStrings = 1 << 20;
  constexpr size_t kMostAuxiliary = 64;
  const query::UserMemory memory(moment, mm);
  Start start;
  uint64_t at = mm.record.start_stack + sizeof(uint64_t);  // behind argc
  const std::vector<uint64_t> arguments = WordsToNull(memory, at, kMostStrings);
  const std::vector<uint64_t> environment = WordsToNull(memory, at, kMostStrings);
  if (arguments.empty()) return start;
  constexpr uint64_t kMost = sizeof(elf_prpsinfo::pr_psargs) - 1;
  // Strings of arguments and environment stand one behind the other.
  uint64_t bytes = kMost;
  if (!environment.empty() && environment.front() > arguments.front()) {
    bytes = std::min(kMost, environment.front() - arguments.front());
  }
  start.arguments = memory.Bytes(arguments.front(), bytes);
  std::replace(start.arguments.begin(), start.arguments.end(), '\0', ' ');
  for (size_t i = 0; i < kMostAuxiliary; ++i, at += 2 * sizeof(uint64_t)) {
    const auto type = memory.Word(at);
    const auto value = memory.Word(at + sizeof(uint64_t));
    if (!type || !value) break;
    start.auxv.append(reinterpret_cast<const char*>(&*type), sizeof(*type));
    start.auxv.append(reinterpret_cast<const char*>(&*value), sizeof(*value));
    if (*type == AT_NULL) return start;
  }
  start.auxv.clear();  // without an end it is none
  return start;
}

// ---- Notes -------------------------------------------------------------------------------------

pid_t ParentOf(const Snapshot& snapshot, const Task& task) {
  for (const Task& other : snapshot.tasks) {
    if (other.address == task.record.parent) return static_cast<pid_t>(other.record.tgid);
  }
  return 0;
}

elf_prstatus StatusOf(const Snapshot& snapshot, const Task& task) {
  elf_prstatus status{};
  status.pr_sighold = task.record.blocked;
  status.pr_pid = static_cast<pid_t>(task.record.pid);
  status.pr_ppid = ParentOf(snapshot, task);
  status.pr_pgrp = static_cast<pid_t>(task.record.pgid);
  status.pr_sid = static_cast<pid_t>(task.record.sid);
  return status;
}

// The letter of /proc/PID/stat.
char StateLetter(proto::TaskState state) {
  static constexpr char kLetters[] = {'R', 'S', 'D', 'T', 'Z', 'X', 'R'};
  const auto index = static_cast<size_t>(state);
  return index < std::size(kLetters) ? kLetters[index] : '?';
}

elf_prpsinfo ProcessOf(const Snapshot& snapshot, const Task& task, const Start& start) {
  elf_prpsinfo process{};
  process.pr_state = static_cast<char>(task.record.state);
  process.pr_sname = StateLetter(task.record.state);
  process.pr_zomb = process.pr_sname == 'Z' ? 1 : 0;
  process.pr_flag = task.record.flags;
  for (const auto& credentials : snapshot.processes.credentials) {
    if (credentials.address != task.record.credentials) continue;
    process.pr_uid = credentials.record.uid;
    process.pr_gid = credentials.record.gid;
  }
  process.pr_pid = static_cast<pid_t>(task.record.tgid);
  process.pr_ppid = ParentOf(snapshot, task);
  process.pr_pgrp = static_cast<pid_t>(task.record.pgid);
  process.pr_sid = static_cast<pid_t>(task.record.sid);
  std::memcpy(process.pr_fname, task.record.comm, sizeof(process.pr_fname));
  std::memcpy(process.pr_psargs, start.arguments.data(), start.arguments.size());
  return process;
}

// False: the task has no registers of a program.
bool AddThread(const Moment& moment, const Task& task, CoreNotes& notes) {
  const auto registers = UserRegistersOf(moment, task);
  if (!registers) return false;
  elf_prstatus status = StatusOf(moment.snapshot, task);
  SetRegisters(status, *registers);
  const auto floating = FloatingRegistersOf(moment, task);
  status.pr_fpvalid = floating ? 1 : 0;
  notes.AddStruct(NT_PRSTATUS, status);
  if (floating) notes.AddStruct(NT_PRFPREG, *floating);
  return true;
}

template <typename T>
void AppendWord(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// Which files are mapped where: their number, the unit of offsets, ranges, then the paths.
std::string FilesOf(const Moment& moment, const Mm& mm) {
  uint64_t count = 0;
  std::string ranges;
  std::string paths;
  for (const Vma& vma : mm.vmas) {
    const std::string path = vma.record.object == 0 ? "" : query::PathOf(moment, vma);
    if (path.empty() || path.find('\0') != std::string::npos) continue;
    ++count;
    for (const uint64_t word : {vma.record.start, vma.record.end, vma.record.page_offset}) {
      AppendWord(ranges, word);
    }
    paths += path;
    paths.push_back('\0');
  }
  std::string note;
  AppendWord(note, count);
  AppendWord(note, kPageBytes);
  return note + ranges + paths;
}

CoreNotes NotesOf(const Moment& moment, const Task& first, const Mm& mm, query::Answer& answer) {
  CoreNotes notes;
  const auto add = [&](const Task& task) {
    if (!AddThread(moment, task, notes)) {
      answer.notes.push_back(absl::StrCat("task ", task.record.pid, " has no registers"));
    }
  };
  add(first);
  const Start start = ReadStart(moment, mm);
  notes.AddStruct(NT_PRPSINFO, ProcessOf(moment.snapshot, first, start));
  if (start.auxv.empty()) {
    answer.notes.emplace_back("the auxiliary vector is not at its place on the stack");
  } else {
    notes.Add(NT_AUXV, start.auxv);
  }
  notes.Add(NT_FILE, FilesOf(moment, mm));
  for (const Task& task : moment.snapshot.tasks) {
    const bool thread = task.record.tgid == first.record.tgid && &task != &first;
    if (thread && task.record.mm == mm.address) add(task);
  }
  return notes;
}

// ---- Memory ------------------------------------------------------------------------------------

uint32_t RightsOf(const proto::VmaRecord& vma) {
  return ((vma.flags & proto::kVmRead) != 0 ? PF_R : 0u) |
         ((vma.flags & proto::kVmWrite) != 0 ? PF_W : 0u) |
         ((vma.flags & proto::kVmExec) != 0 ? PF_X : 0u);
}

class Memory {
 public:
  Memory(const Moment& moment, const Mm& mm) : moment_(moment), mm_(mm) {
    for (const inspect::Object& object : moment.snapshot.objects) {
      objects_[object.address] = &object;
    }
    Lay();
  }

  // One for each mapping, in this order.
  const std::vector<CoreSegment>& segments() const { return segments_; }

  // First what a file or shared memory has, whether the process has looked at it or not; over it
  // what the process maps.
  absl::Status Write(CoreFile& core) const {
    absl::Status status;
    for (size_t i = 0; i < mm_.vmas.size() && status.ok(); ++i) status = WriteObject(i, core);
    query::ForEachMapping(moment_.snapshot, mm_, [&](const query::Mapping& mapping) {
      if (status.ok()) status = WriteMapping(mapping, core);
    });
    return status;
  }

 private:
  // A mapping that allows nothing and has nothing is as if it were not there. All others are in the
  // file as a whole: what is absent reads as zero, to the process as well.
  void Lay() {
    std::vector<bool> has_pages(mm_.vmas.size());
    query::ForEachMapping(moment_.snapshot, mm_, [&](const query::Mapping& mapping) {
      const Vma* vma = query::VmaAt(mm_, mapping.address);
      if (vma != nullptr) has_pages[static_cast<size_t>(vma - mm_.vmas.data())] = true;
    });
    uint64_t content = 0;
    for (size_t i = 0; i < mm_.vmas.size(); ++i) {
      const proto::VmaRecord& vma = mm_.vmas[i].record;
      CoreSegment& segment = segments_.emplace_back();
      segment.address = vma.start;
      segment.content = content;
      segment.flags = RightsOf(vma);
      const bool sane = vma.start < vma.end && vma.end <= proto::kUserEnd &&
                        (vma.start | vma.end) % kPageBytes == 0;
      if (!sane) continue;
      segment.bytes = vma.end - vma.start;
      segment.file_bytes = segment.flags != 0 || has_pages[i] ? segment.bytes : 0;
      content += segment.file_bytes;
    }
  }

  absl::Status WriteObject(size_t vma, CoreFile& core) const {
    const proto::VmaRecord& record = mm_.vmas[vma].record;
    const auto object = objects_.find(record.object);
    if (object == objects_.end()) return absl::OkStatus();
    const uint64_t pages = segments_[vma].file_bytes >> kPageShift;
    absl::Status status;
    for (const inspect::ObjectPage& page : object->second->pages) {
      const uint64_t index = page.index - record.page_offset;  // large if it lies before
      if (index < pages && status.ok()) {
        status = WriteFrame(segments_[vma], index << kPageShift, page.pfn, core);
      }
    }
    return status;
  }

  absl::Status WriteMapping(const query::Mapping& mapping, CoreFile& core) const {
    const Vma* vma = query::VmaAt(mm_, mapping.address);
    const bool there = inspect::Present(mapping.pte);
    if (vma == nullptr || !there) return absl::OkStatus();
    // Over a file's page zeros have to be written; elsewhere they are there.
    if ((mapping.pte & proto::kPteZero) != 0 && vma->record.object == 0) return absl::OkStatus();
    const CoreSegment& segment = segments_[static_cast<size_t>(vma - mm_.vmas.data())];
    return WriteFrame(segment, mapping.address - segment.address, inspect::PfnOf(mapping.pte),
                      core);
  }

  absl::Status WriteFrame(const CoreSegment& segment, uint64_t offset, uint64_t pfn,
                          CoreFile& core) const {
    if (offset >= segment.file_bytes || pfn >= moment_.memory.frames()) return absl::OkStatus();
    uint64_t words[kPageBytes / 8];
    moment_.memory.LoadPage(pfn, words);
    return core.Write(segment.content + offset,
                      {reinterpret_cast<const char*>(words), sizeof(words)});
  }

  const Moment& moment_;
  const Mm& mm_;
  std::unordered_map<proto::GuestPtr, const inspect::Object*> objects_;
  std::vector<CoreSegment> segments_;
};

}  // namespace

absl::StatusOr<query::Answer> WriteTaskCore(const Moment& moment, uint32_t pid, int fd) {
  const Mm* mm = query::MmOfPid(moment.snapshot, pid);
  const auto task = std::find_if(moment.snapshot.tasks.begin(), moment.snapshot.tasks.end(),
                                 [pid](const Task& one) { return one.record.pid == pid; });
  if (mm == nullptr || task == moment.snapshot.tasks.end()) {
    return absl::NotFoundError(absl::StrCat("no address space of task ", pid));
  }
  query::Answer answer;
  const CoreNotes notes = NotesOf(moment, *task, *mm, answer);
  const Memory memory(moment, *mm);
  absl::StatusOr<CoreFile> core = CoreFile::Begin(fd, notes, memory.segments());
  if (!core.ok()) return core.status();
  absl::Status written = memory.Write(*core);
  if (written.ok()) written = core->Finish();
  if (!written.ok()) return written;
  return answer;
}

}  // namespace fv::exports
