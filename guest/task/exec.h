// SPDX-License-Identifier: Apache-2.0
//
// execve: a new program in an old task. Everything that can fail is done in a new address space
// while the caller's is untouched; after the point of no return (BecomeProgram) nothing fails any
// more.
#pragma once

#include <cstdint>

#include "guest/fs/file.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "guest/task/elf.h"

namespace fv::guest {

class Mm;
class Task;

// A vector of strings: in user memory (mm != nullptr, `user` is the address of the pointer array)
// or in the kernel (`kernel`: `count` pointers).
struct StringVector {
  Mm* mm = nullptr;
  uint64_t user = 0;
  const char* const* kernel = nullptr;
  uint64_t count = 0;
};

// kCheck: only whether the file could be executed, whatever is in it (execveat(2),
// AT_EXECVE_CHECK).
enum class ExecPurpose : uint8_t { kRun, kCheck };

struct ExecRequest {
  int dirfd;
  const char* path;       // in the kernel
  uint32_t lookup_flags;  // kLookup* of guest/fs/path.h
  Ref<File> file;         // if already open; `path` is then only what the program sees
  StringVector arguments;
  StringVector environment;
  ExecPurpose purpose = ExecPurpose::kRun;
};

// Runs the program in the current task: on success its trap frame is the program's first state, or
// for kCheck what it was.
// Errors: those of execve(2); the caller goes on as before.
Status ExecProgram(const ExecRequest& request);

// ---- Between exec.cc, exec_stack.cc and exec_load.cc ------------------------------------------
// A program under construction.
struct NewProgram {
  Mm* mm = nullptr;
  Ref<File> file;  // what is mapped
  ElfPlan plan;
  uint64_t bias = 0;  // added to the plan's addresses
  // The dynamic linker, if the program names one: where it begins and how far it was moved.
  uint64_t interpreter_entry = 0;
  uint64_t interpreter_bias = 0;
  uint64_t stack = 0;  // grows down as strings are pushed; finally the program's RSP
  uint64_t string_bytes = 0;
  uint64_t string_limit = 0;
  uint64_t argc = 0;
  uint64_t envc = 0;
  uint64_t file_name = 0;  // AT_EXECFN
  uint32_t uid, euid, gid, egid;
  bool secure = false;
  bool broken = false;  // so that it kills who executes it, once LoadElf or LoadInterpreter failed
};

// Makes the stack mapping. Errors: ENOMEM.
Status MapStack(NewProgram& program);
// Pushes a string. Errors: E2BIG, EFAULT, ENOMEM.
Status PushString(NewProgram& program, const char* text);
// Pushes all of a vector, the last first, and returns their number. Errors: as PushString.
Result<uint64_t> PushVector(NewProgram& program, const StringVector& vector);
// Takes the string at the bottom (argv[0]) off again.
Status PopString(NewProgram& program);
// Pointers, auxiliary vector: the stack as the System V ABI wants it at process entry.
Status FinishStack(NewProgram& program);

// Reads and checks the file's headers and maps its segments. Errors: ENOEXEC, EINVAL (broken),
// ENOMEM, EIO.
Status LoadElf(NewProgram& program);
// Opens and maps the dynamic linker that the program names; nothing if it names none. After
// LoadElf. Errors: those of open, ELIBBAD (it is no ELF file), EIO (it is short), EINVAL (broken),
// ENOMEM.
Status LoadInterpreter(Task& task, NewProgram& program);
// The first instruction of the new program.
inline uint64_t EntryOf(const NewProgram& program) {
  return program.interpreter_entry != 0 ? program.interpreter_entry
                                        : program.plan.entry + program.bias;
}
// The headers of `file`, checked. Errors: ENOEXEC, EINVAL (broken), ENOMEM, EIO.
Status ReadElfPlan(File& file, ElfPlan& plan);
// Maps one segment of `file`, moved by `bias`. What the file does not have of it is SIGBUS later.
// Errors: EINVAL (its last page, to be zeroed in part, is not in the file), ENOMEM.
Status MapSegment(Mm& mm, File& file, const ElfSegment& segment, uint64_t bias);

// Kills the other threads of the group and makes the current one its leader. Error: EAGAIN (the
// group is being killed).
Status BecomeOnlyThread(Task& task);

}  // namespace fv::guest
