// SPDX-License-Identifier: Apache-2.0
//
// capget(2) and capset(2).

#include <linux/capability.h>

#include "guest/mm/user_copy.h"
#include "guest/syscall/syscall.h"
#include "guest/task/cred.h"
#include "guest/task/pid.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

struct CapHeader {
  uint32_t version;
  int32_t pid;
};
struct CapData {
  uint32_t effective, permitted, inheritable;
};

// Words of 32 capabilities in this version of the structure, 0 if it is unknown.
unsigned WordsOf(uint32_t version) {
  switch (version) {
    case _LINUX_CAPABILITY_VERSION_1:
      return _LINUX_CAPABILITY_U32S_1;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
      return _LINUX_CAPABILITY_U32S_3;
    default:
      return 0;
  }
}

// An unknown version is answered with the preferred one. Errors: EFAULT, EINVAL.
Result<CapHeader> ReadHeader(Task& task, uint64_t address) {
  const CapHeader header = TRY(ReadUser<CapHeader>(*task.mm(), address));
  if (WordsOf(header.version) == 0) {
    TRY(WriteUser(*task.mm(), address, uint32_t{_LINUX_CAPABILITY_VERSION_3}));
    return Error(EINVAL);
  }
  return header;
}

uint64_t Join(const CapData* data, unsigned words, uint32_t CapData::*field) {
  uint64_t set = data[0].*field;
  if (words > 1) {
    set |= uint64_t{data[1].*field} << 32;
  }
  return set & kAllCapabilities;
}

// capabilities(7), "Programmatically adjusting capability sets". Errors: EPERM.
Status CheckCapset(const Credentials& old, uint64_t effective, uint64_t permitted,
                   uint64_t inheritable) {
  const bool may_set = old.Capable(CAP_SETPCAP);
  const bool inheritable_ok =
      may_set || (inheritable & ~(old.cap_inheritable | old.cap_permitted)) == 0;
  const bool bounded = (inheritable & ~(old.cap_inheritable | old.cap_bounding)) == 0;
  const bool permitted_ok = (permitted & ~old.cap_permitted) == 0;
  const bool effective_ok = (effective & ~permitted) == 0;
  return inheritable_ok && bounded && permitted_ok && effective_ok ? Ok() : Status(Error(EPERM));
}

}  // namespace

namespace sys {

Result<uint64_t> capget(const SyscallArgs& args) {
  Task& task = args.task;
  const Result<CapHeader> read = ReadHeader(task, args.a[0]);
  if (!read.ok()) {
    // A probe for the version: header only.
    const bool probe = args.a[1] == 0 && read.error().number() == EINVAL;
    return probe ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(read.error());
  }
  const CapHeader header = read.value();
  if (header.pid < 0) {
    return Error(EINVAL);
  }
  const Task* target =
      header.pid == 0 ? &task : FindTaskFor(task, static_cast<uint32_t>(header.pid));
  if (target == nullptr) {
    return Error(ESRCH);
  }
  if (args.a[1] == 0) {
    return uint64_t{0};
  }
  const Credentials& cred = target->cred();
  CapData data[2];
  for (unsigned i = 0; i < 2; ++i) {
    data[i] = {static_cast<uint32_t>(cred.cap_effective >> 32 * i),
               static_cast<uint32_t>(cred.cap_permitted >> 32 * i),
               static_cast<uint32_t>(cred.cap_inheritable >> 32 * i)};
  }
  TRY(CopyToUser(*task.mm(), args.a[1], data, WordsOf(header.version) * sizeof(CapData)));
  return uint64_t{0};
}

Result<uint64_t> capset(const SyscallArgs& args) {
  Task& task = args.task;
  const CapHeader header = TRY(ReadHeader(task, args.a[0]));
  if (header.pid != 0 && static_cast<uint32_t>(header.pid) != OwnTid(task)) {
    return Error(EPERM);
  }
  const unsigned words = WordsOf(header.version);
  CapData data[2] = {};
  TRY(CopyFromUser(*task.mm(), data, args.a[1], words * sizeof(CapData)));
  const uint64_t effective = Join(data, words, &CapData::effective);
  const uint64_t permitted = Join(data, words, &CapData::permitted);
  const uint64_t inheritable = Join(data, words, &CapData::inheritable);
  TRY(CheckCapset(task.cred(), effective, permitted, inheritable));
  Credentials* changed = TRY(PrepareCredentials());
  changed->cap_effective = effective;
  changed->cap_permitted = permitted;
  changed->cap_inheritable = inheritable;
  changed->cap_ambient &= permitted & inheritable;
  CommitCredentials(changed);
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
