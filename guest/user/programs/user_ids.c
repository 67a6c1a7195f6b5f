// SPDX-License-Identifier: Apache-2.0
//
// User and group ids: what a program starts with agrees in all calls; as root: set*id in a child
// does not touch the parent, privileges dropped cannot come back, file permission follows. As
// another user the first part alone has something to show, and the output is the same.
// Rows of docs/fork-features.md: F10.
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>

#include "guest/user/lib/proc.h"

static void Drops(void* unused) {
  (void)unused;
  CHECK_INT(setgroups(0, NULL), 0);
  CHECK_INT(setresgid(2000, 2000, 2000), 0);
  CHECK_INT(setresuid(1000, 1000, 1000), 0);
  uid_t real, effective, saved;
  CHECK_INT(getresuid(&real, &effective, &saved), 0);
  CHECK(real == 1000 && effective == 1000 && saved == 1000);
  CHECK_INT(getegid(), 2000);
  CHECK_ERR(setuid(0), EPERM);
  CHECK_ERR(setgid(0), EPERM);
  CHECK_INT(setuid(1000), 0);
  CHECK_ERR(open("/tmp/fv_user_ids", O_RDONLY), EACCES);
  CHECK_ERR(access("/tmp/fv_user_ids", R_OK), EACCES);
  CHECK_ERR(chmod("/tmp/fv_user_ids", 0666), EPERM);
  CHECK_ERR(kill(getppid(), SIGTERM), EPERM);
}

static void SavedId(void* unused) {
  (void)unused;
  CHECK_INT(setresuid(1000, 1001, 0), 0);
  CHECK_INT(geteuid(), 1001);
  CHECK_INT(seteuid(1000), 0);
  CHECK_INT(seteuid(0), 0);  // the saved id allows it
  CHECK_INT(setreuid((uid_t)-1, 1001), 0);
  CHECK_INT(geteuid(), 1001);
}

int main(void) {
  uid_t ids[3];
  gid_t groups[3];
  CHECK_INT(getresuid(&ids[0], &ids[1], &ids[2]), 0);
  CHECK(ids[0] == getuid() && ids[1] == geteuid() && ids[2] == ids[1]);
  CHECK_INT(getresgid(&groups[0], &groups[1], &groups[2]), 0);
  CHECK(groups[0] == getgid() && groups[1] == getegid() && groups[2] == groups[1]);
  CHECK_INT(setuid(getuid()), 0);
  CHECK(getgroups(0, NULL) >= 0);
  CHECK_ERR(syscall(SYS_getgroups, -1, groups), EINVAL);
  Ok("ids agree");
  if (geteuid() == 0) {
    int fd = open("/tmp/fv_user_ids", O_CREAT | O_RDWR, 0600);
    CHECK(fd >= 0);
    CHECK_INT(fchmod(fd, 0600), 0);
    CHECK_INT(RunChild(Drops, NULL), 0);
    CHECK_INT(RunChild(SavedId, NULL), 0);
    CHECK_INT(geteuid(), 0);
    struct stat status;
    CHECK_INT(chown("/tmp/fv_user_ids", 1000, 2000), 0);
    CHECK_INT(stat("/tmp/fv_user_ids", &status), 0);
    CHECK(status.st_uid == 1000 && status.st_gid == 2000);
    CHECK_INT(unlink("/tmp/fv_user_ids"), 0);
  }
  Ok("dropped");
  return Finish();
}
