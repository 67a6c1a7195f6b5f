// SPDX-License-Identifier: Apache-2.0
//
// System V IPC as /proc shows it: the tables of /proc/sysvipc (proc_sysvipc(5)) and the identifiers
// to be given next, /proc/sys/kernel/*_next_id (sysvipc(7)).
#include "guest/fs/proc_source.h"
#include "guest/fs/text_buffer.h"
#include "guest/ipc/sysv_msg.h"
#include "guest/ipc/sysv_sem.h"
#include "guest/ipc/sysv_shm.h"

namespace fv::guest {
namespace {

IpcTable& TableOf(IpcKind kind) {
  switch (kind) {
    case IpcKind::kMsg:
      return MsgTable();
    case IpcKind::kSem:
      return SemTable();
    case IpcKind::kShm:
      break;
  }
  return ShmTable();
}

void AddStart(TextBuffer& out, const IpcObject& object) {
  out.Add("%10d %10d  %4o", object.key, object.id, object.mode);
}
void AddOwner(TextBuffer& out, const IpcObject& object) {
  out.Add(" %5u %5u %5u %5u", object.uid, object.gid, object.cuid, object.cgid);
}

void AddMsg(TextBuffer& out, const MsgQueue& queue) {
  AddStart(out, queue);
  out.Add("  %10lu %10lu %5u %5u", queue.bytes, queue.count, queue.last_sender,
          queue.last_receiver);
  AddOwner(out, queue);
  out.Add(" %10ld %10ld %10ld\n", queue.send_time, queue.receive_time, queue.ctime);
}

void AddSem(TextBuffer& out, const SemSet& set) {
  AddStart(out, set);
  out.Add(" %10u", set.count);
  AddOwner(out, set);
  out.Add(" %10ld %10ld\n", set.otime, set.ctime);
}

void AddShm(TextBuffer& out, const ShmSegment& segment) {
  const ShmStatAbi stat = segment.StatNow();
  AddStart(out, segment);
  out.Add(" %21lu %5d %5d  %5lu", segment.bytes(), stat.cpid, stat.lpid, segment.attached());
  AddOwner(out, segment);
  out.Add(" %10ld %10ld %10ld %21lu %21u\n", stat.atime, stat.dtime, segment.ctime,
          segment.ResidentPages() * proto::kPageBytes, 0u);
}

}  // namespace

void ShowIpcObjects(TextBuffer& out, IpcKind kind) {
  const IpcTable& table = TableOf(kind);
  for (int i = 0; i <= table.highest(); ++i) {
    const IpcObject* object = table.At(i);
    if (object == nullptr) {
      continue;
    }
    switch (kind) {
      case IpcKind::kMsg:
        AddMsg(out, *static_cast<const MsgQueue*>(object));
        break;
      case IpcKind::kSem:
        AddSem(out, *static_cast<const SemSet*>(object));
        break;
      case IpcKind::kShm:
        AddShm(out, *static_cast<const ShmSegment*>(object));
        break;
    }
  }
}

int& NextIpcId(IpcKind kind) { return TableOf(kind).next_id; }

}  // namespace fv::guest
