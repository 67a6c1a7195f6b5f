// SPDX-License-Identifier: Apache-2.0
//
// Scripts: "#!" with and without an argument, a script run by a script, the argv that results.
#include <fcntl.h>
#include <sys/stat.h>

#include "guest/user/lib/proc.h"

static char self[64] = "/tmp/fv_script_self";

static void MakeScript(const char* path, const char* first_line) {
  unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  CHECK(fd >= 0);
  CHECK(write(fd, first_line, strlen(first_line)) > 0);
  CHECK(write(fd, "\nnot looked at\n", 15) == 15);
  CHECK_INT(fchmod(fd, 0755), 0);
  close(fd);
}

// The interpreter is this program itself, copied to a short path.
static void CopySelf(void) {
  char buffer[4096];
  int from = open("/proc/self/exe", O_RDONLY);
  unlink(self);
  int to = open(self, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  CHECK(from >= 0 && to >= 0);
  for (ssize_t n; (n = read(from, buffer, sizeof(buffer))) > 0;) CHECK_INT(write(to, buffer, n), n);
  CHECK_INT(fchmod(to, 0755), 0);
  close(from);
  close(to);
}

static void RunScript(void* path) {
  char* args[] = {"zero", "first", "second arg", NULL};
  char* env[] = {"ROLE=interpreter", NULL};
  execve((const char*)path, args, env);
  Say("execve errno %d", errno);
}

static void Try(const char* first_line) {
  Say("script '%s'", first_line);
  MakeScript("/tmp/fv_script", first_line);
  Say("status %d", RunChild(RunScript, "/tmp/fv_script"));
}

int main(int argc, char** argv) {
  if (getenv("ROLE")) {
    for (int i = 0; i < argc; ++i) Say("  argv[%d] '%s'", i, argv[i]);
    return 5;
  }
  CopySelf();
  Try("#!/tmp/fv_script_self");
  Try("#! /tmp/fv_script_self");
  Try("#!/tmp/fv_script_self -x");
  Try("#!/tmp/fv_script_self  one argument with spaces  ");
  Try("#!\t/tmp/fv_script_self\t");
  Try("#!/tmp/fv_missing");
  MakeScript("/tmp/fv_script_inner", "#!/tmp/fv_script_self inner");
  Try("#!/tmp/fv_script_inner outer");
  // A script whose interpreter is itself never ends: the kernel gives up.
  Try("#!/tmp/fv_script");
  unlink("/tmp/fv_script");
  unlink("/tmp/fv_script_inner");
  unlink(self);
  return Finish();
}
