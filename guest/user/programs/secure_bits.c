// SPDX-License-Identifier: Apache-2.0
//
// The prctls about capabilities: secure bits and their locks, the ambient and the bounding set; who
// may change them, and what fork makes of them.
#include <linux/securebits.h>
#include <sys/prctl.h>

#include "guest/user/lib/capabilities.h"

// Bits that user space obeys and anybody may set (since Linux 6.14).
enum { kExecRestrictFile = 1 << 8, kExecRestrictFileLocked = 1 << 9 };

static int Bits(unsigned long bits) { return prctl(PR_SET_SECUREBITS, bits, 0, 0, 0); }
static int Ambient(unsigned long what, unsigned long capability, unsigned long more) {
  return prctl(PR_CAP_AMBIENT, what, capability, more, 0);
}

static void Inherit(__u32 capabilities) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  CHECK_INT(syscall(SYS_capget, &header, data), 0);
  data[0].inheritable = capabilities;
  CHECK_INT(syscall(SYS_capset, &header, data), 0);
}

static void SeesBits(void* bits) { CHECK_INT(prctl(PR_GET_SECUREBITS), (long)bits); }

static void Locks(void* unused) {
  (void)unused;
  CHECK_INT(Bits(SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP), 0);
  CHECK_INT(Bits(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED), 0);
  const unsigned long locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED;
  CHECK_ERR(Bits(SECBIT_NOROOT), EPERM);         // the lock stays
  CHECK_ERR(Bits(SECBIT_NOROOT_LOCKED), EPERM);  // and so does what it locks
  CHECK_ERR(Bits(locked | 1 << 12), EPERM);      // there is no such bit
  CHECK_INT(RunChild(SeesBits, (void*)locked), 0);
  CHECK_INT(Bits(locked | SECBIT_KEEP_CAPS), 0);
  CHECK_INT(prctl(PR_GET_KEEPCAPS), 1);
  CHECK_INT(prctl(PR_SET_KEEPCAPS, 0), 0);
  CHECK_INT(Bits(locked | SECBIT_KEEP_CAPS_LOCKED), 0);
  CHECK_ERR(prctl(PR_SET_KEEPCAPS, 1), EPERM);
  CHECK_ERR(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
}

static void Unprivileged(void* unused) {
  (void)unused;
  GiveUpCapabilities();
  CHECK_ERR(Bits(0), EPERM);  // not even what is there already
  CHECK_ERR(Bits(SECBIT_NOROOT), EPERM);
  CHECK_INT(Bits(kExecRestrictFile), 0);
  CHECK_INT(Bits(kExecRestrictFile | kExecRestrictFileLocked), 0);
  CHECK_ERR(Bits(0), EPERM);
  CHECK_INT(prctl(PR_GET_SECUREBITS), kExecRestrictFile | kExecRestrictFileLocked);
  CHECK_ERR(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0), EPERM);
  CHECK_ERR(prctl(PR_CAPBSET_DROP, 99, 0, 0, 0), EPERM);
  CHECK_ERR(Ambient(PR_CAP_AMBIENT_RAISE, CAP_KILL, 0), EPERM);
}

static void SeesAmbient(void* capability) {
  CHECK_INT(Ambient(PR_CAP_AMBIENT_IS_SET, (unsigned long)capability, 0), 1);
}

static void AmbientSet(void* unused) {
  (void)unused;
  CHECK_ERR(Ambient(PR_CAP_AMBIENT_RAISE, CAP_KILL, 0), EPERM);  // not inheritable
  Inherit(1 << CAP_KILL);
  CHECK_INT(Bits(SECBIT_NO_CAP_AMBIENT_RAISE), 0);
  CHECK_ERR(Ambient(PR_CAP_AMBIENT_RAISE, CAP_KILL, 0), EPERM);
  CHECK_INT(Bits(0), 0);
  CHECK_INT(Ambient(PR_CAP_AMBIENT_RAISE, CAP_KILL, 0), 0);
  CHECK_INT(RunChild(SeesAmbient, (void*)CAP_KILL), 0);
  CHECK_ERR(Ambient(PR_CAP_AMBIENT_CLEAR_ALL, 1, 0), EINVAL);
  CHECK_ERR(Ambient(PR_CAP_AMBIENT_CLEAR_ALL, 0, 1), EINVAL);
  CHECK_ERR(Ambient(PR_CAP_AMBIENT_IS_SET, 99, 0), EINVAL);
  CHECK_ERR(Ambient(77, 0, 0), EINVAL);
  Inherit(0);  // takes it out of the ambient set too
  CHECK_INT(Ambient(PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0), 0);
  Inherit(1 << CAP_KILL);
  CHECK_INT(Ambient(PR_CAP_AMBIENT_RAISE, CAP_KILL, 0), 0);
  CHECK_INT(Ambient(PR_CAP_AMBIENT_CLEAR_ALL, 0, 0), 0);
  CHECK_INT(Ambient(PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0), 0);
}

static void SeesBounding(void* unused) {
  (void)unused;
  CHECK_INT(prctl(PR_CAPBSET_READ, CAP_KILL, 0, 0, 0), 0);
}

static void BoundingSet(void* unused) {
  (void)unused;
  CHECK_INT(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0), 0);
  CHECK_INT(RunChild(SeesBounding, NULL), 0);
  CHECK_ERR(prctl(PR_CAPBSET_READ, 99, 0, 0, 0), EINVAL);
  CHECK_ERR(prctl(PR_CAPBSET_DROP, 99, 0, 0, 0), EINVAL);
}

int main(void) {
  if (geteuid() == 0) {  // with all capabilities
    CHECK_INT(RunChild(Locks, NULL), 0);
    CHECK_INT(RunChild(AmbientSet, NULL), 0);
    CHECK_INT(RunChild(BoundingSet, NULL), 0);
  }
  Ok("privileged");
  CHECK_INT(RunChild(Unprivileged, NULL), 0);
  Ok("unprivileged");
  return Finish();
}
