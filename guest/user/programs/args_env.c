// SPDX-License-Identifier: Apache-2.0
//
// What a new program finds on its stack: argv, envp, and the auxiliary vector. Executes itself with
// known arguments; prints only what does not depend on the machine.
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "guest/user/lib/check.h"

static void CheckAuxv(const char* argv0) {
  CHECK_INT(getauxval(AT_PAGESZ), 4096);
  CHECK_INT(getauxval(AT_CLKTCK), 100);
  CHECK_INT(getauxval(AT_UID), getuid());
  CHECK_INT(getauxval(AT_EUID), geteuid());
  CHECK_INT(getauxval(AT_GID), getgid());
  CHECK_INT(getauxval(AT_EGID), getegid());
  CHECK_INT(getauxval(AT_SECURE), 0);
  CHECK_INT(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
  CHECK_INT(getauxval(AT_BASE), 0);
  CHECK_INT(getauxval(AT_FLAGS), 0);
  CHECK(getauxval(AT_PHNUM) > 2);
  CHECK(getauxval(AT_ENTRY) != 0);
  CHECK(getauxval(AT_HWCAP) != 0);
  Ok("auxv values");
  const unsigned char* random = (const unsigned char*)getauxval(AT_RANDOM);
  int nonzero = 0;
  for (int i = 0; i < 16; ++i) nonzero += random[i] != 0;
  CHECK(nonzero > 4);
  CHECK(strcmp((const char*)getauxval(AT_PLATFORM), "x86_64") == 0);
  CHECK(strcmp((const char*)getauxval(AT_EXECFN), "/proc/self/exe") == 0);
  CHECK(strcmp(argv0, "zeroth") == 0);
  Ok("auxv strings");
  const Elf64_Phdr* headers = (const Elf64_Phdr*)getauxval(AT_PHDR);
  int loads = 0, covers_entry = 0;
  for (unsigned long i = 0; i < getauxval(AT_PHNUM); ++i) {
    if (headers[i].p_type != PT_LOAD) continue;
    ++loads;
    covers_entry += headers[i].p_flags & PF_X && getauxval(AT_ENTRY) >= headers[i].p_vaddr &&
                    getauxval(AT_ENTRY) < headers[i].p_vaddr + headers[i].p_memsz;
  }
  CHECK(loads >= 2);
  CHECK_INT(covers_entry, 1);
  Ok("program headers in memory");
}

int main(int argc, char** argv, char** envp) {
  if (argc < 2) {
    char* args[] = {"zeroth", "one", "", "three words here", "--four=4", NULL};
    char* env[] = {"PATH=/bin", "EMPTY=", "ZED=last", NULL};
    execve("/proc/self/exe", args, env);
    CHECK(!"execve");
    return Finish();
  }
  Say("argc %d", argc);
  for (int i = 0; i < argc; ++i) Say("argv[%d] '%s'", i, argv[i]);
  CHECK(argv[argc] == NULL);
  for (int i = 0; envp[i]; ++i) Say("envp[%d] '%s'", i, envp[i]);
  // The strings stand one after the other, arguments first, above the pointers.
  CHECK(argv[1] == argv[0] + strlen(argv[0]) + 1);
  CHECK(envp[0] > argv[argc - 1]);
  CHECK((uintptr_t)argv[0] > (uintptr_t)envp);
  CHECK((uintptr_t)__builtin_frame_address(0) < (uintptr_t)argv);
  Ok("stack order");
  CheckAuxv(argv[0]);
  return Finish();
}
