// SPDX-License-Identifier: Apache-2.0
#include "src/native/testing/user_namespaces.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fv::native::testing {

bool UserNamespacesExist() {
  const pid_t child = fork();
  if (child == 0) _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
  int status = 1;
  return waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace fv::native::testing
