// SPDX-License-Identifier: Apache-2.0
#include "src/native/confinement.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

namespace fv::native {
namespace {

constexpr uint32_t kNamespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                                 CLONE_NEWIPC | CLONE_NEWCGROUP | 0x80 /* CLONE_NEWTIME */;

sock_filter Load(size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}
sock_filter Return(uint32_t what) { return BPF_STMT(BPF_RET | BPF_K, what); }

}  // namespace

bool ConfineCalls(std::span<const uint32_t> allowed) {
  std::vector<sock_filter> filter = {
      Load(offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      Return(SECCOMP_RET_KILL_PROCESS),
      Load(offsetof(seccomp_data, nr)),
  };
  for (const uint32_t call : allowed) {
    if (call == SYS_clone || call == SYS_unshare) {
      filter.insert(filter.end(), {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4),
                                   Load(offsetof(seccomp_data, args[0])),
                                   BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kNamespaces, 0, 1),
                                   Return(SECCOMP_RET_KILL_PROCESS), Return(SECCOMP_RET_ALLOW)});
    } else {
      filter.insert(filter.end(),
                    {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), Return(SECCOMP_RET_ALLOW)});
    }
  }
  filter.push_back(Return(SECCOMP_RET_KILL_PROCESS));
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                           .filter = filter.data()};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

}  // namespace fv::native
