// SPDX-License-Identifier: Apache-2.0
//
// /proc/sysvipc: message queues, semaphores and shared memory, a line each (proc_sysvipc(5)); and
// /proc/sys/kernel/{msg,sem,shm}_next_id (sysvipc(7)).
#include "guest/fs/proc_show.h"
#include "guest/fs/proc_sysctl.h"

namespace fv::guest {
namespace {

Status ShowMsg(TextBuffer& out, const ProcKey&) {
  out.Add(
      "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
      "      stime      rtime      ctime\n");
  ShowIpcObjects(out, IpcKind::kMsg);
  return Ok();
}

Status ShowSem(TextBuffer& out, const ProcKey&) {
  out.Add("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
  ShowIpcObjects(out, IpcKind::kSem);
  return Ok();
}

Status ShowShm(TextBuffer& out, const ProcKey&) {
  out.Add(
      "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
      "      atime      dtime      ctime                   rss                  swap\n");
  ShowIpcObjects(out, IpcKind::kShm);
  return Ok();
}

}  // namespace

constinit const ProcNode kProcSysvipc[kProcSysvipcCount] = {
    ProcFile("msg", ShowMsg),
    ProcFile("sem", ShowSem),
    ProcFile("shm", ShowShm),
};

}  // namespace fv::guest
