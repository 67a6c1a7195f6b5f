// SPDX-License-Identifier: Apache-2.0
//
// What C libraries do to look for a name service daemon: a unix socket that is not there. And
// capget, as shells and test harnesses ask it.
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "guest/user/lib/proc.h"

int main(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  CHECK(fd >= 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/fv_no_socket"};
  CHECK_ERR(connect(fd, (struct sockaddr*)&address, sizeof(address)), ENOENT);
  CHECK_INT(close(fd), 0);
  CHECK_ERR(socket(12345, SOCK_STREAM, 0), EAFNOSUPPORT);
  CHECK_ERR(connect(0, (struct sockaddr*)&address, sizeof(address)), ENOTSOCK);
  Ok("unix socket");
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  CHECK_INT(syscall(SYS_capget, &header, data), 0);
  CHECK((geteuid() == 0) == (data[0].effective != 0));
  header.version = 1;
  CHECK_ERR(syscall(SYS_capget, &header, data), EINVAL);
  CHECK_INT(header.version, _LINUX_CAPABILITY_VERSION_3);
  Ok("capget");
  return Finish();
}
