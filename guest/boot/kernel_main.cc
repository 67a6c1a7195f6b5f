// SPDX-License-Identifier: Apache-2.0
//
// Boot, in order. The boot stack becomes the idle task's.

#include "guest/arch/arch.h"
#include "guest/fs/fs.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/kernel_log.h"
#include "guest/lib/print.h"
#include "guest/lib/sanitize.h"
#include "guest/mm/frames.h"
#include "guest/mm/mm.h"
#include "guest/mm/slab.h"
#include "guest/task/system.h"
#include "guest/task/task.h"

namespace fv::guest {

namespace {

// The log's first message, as every Linux has it.
void Announce() {
  const Utsname& name = FirstSystemName();
  char line[2 * kUtsFieldBytes + 16];
  const size_t length =
      Format(line, sizeof(line), "Linux version %s %s", name.release, name.version);
  WriteLog(kLogDebug, line, length);
}

}  // namespace

extern "C" [[noreturn]] void KernelMain(const proto::BootInfo* boot) {
  sanitize::Init(*boot);
  InitArch(*boot);     // descriptor tables, clock, user registers
  InitChannel(*boot);  // from here on Log and Panic reach the host
  Announce();          // into the log
  InitFrames(*boot);   // frame table, zero frame
  InitSlab();          // object caches
  InitMm(*boot);       // caches and lists of guest/mm
  InitTasks();         // idle task, pid hash, scheduler, caches of guest/task
  InitFs(*boot);       // root file system from the initrd, devices, /proc
  StartInit();         // pid 1, which starts the first program as pid 2
  Channel().guest_magic = proto::kChannelMagic;
  EmitEvent(proto::EventKind::kBoot, Channel().free_frames);
  Safepoint(proto::SafepointKind::kBoot);
  StartScheduler();
}

}  // namespace fv::guest
