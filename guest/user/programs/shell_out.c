// SPDX-License-Identifier: Apache-2.0
//
// system and popen, which need a shell: exit statuses, output read, input written, a pipeline.
#include "guest/user/lib/proc.h"

int main(void) {
  char line[64] = "";
  CHECK_INT(ShellStatus(system("exit 7")), 7);
  CHECK_INT(ShellStatus(system("kill -9 $$")), 128 + SIGKILL);
  CHECK_INT(ShellStatus(system("no_such_command_at_all 2>/dev/null")), 127);
  CHECK(system(NULL) != 0);
  Ok("system");
  FILE* stream = popen("/bin/sh -c 'echo one; echo two' | wc -l", "r");
  CHECK(stream != NULL);
  CHECK(stream && fgets(line, sizeof(line), stream) != NULL);
  CHECK_INT(atoi(line), 2);
  CHECK_INT(ShellStatus(pclose(stream)), 0);
  stream = popen("read word; test \"$word\" = written", "w");
  CHECK(stream != NULL);
  fputs("written\n", stream);
  CHECK_INT(ShellStatus(pclose(stream)), 0);
  Ok("popen");
  return Finish();
}
