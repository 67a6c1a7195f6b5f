// SPDX-License-Identifier: Apache-2.0
//
// Hand-made ELF files: what the loader must get right and what it must refuse. Each program is a
// few instructions that exit with a number taken from the place under test.
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static const char kPath[] = "/tmp/fv_exec_elf";
enum { kBase = 0x10000000, kCodeAt = 0x200, kDataAt = 0x1300 };

typedef struct {
  Elf64_Ehdr header;
  Elf64_Phdr segments[3];
  char pad[kCodeAt - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
  unsigned char code[kDataAt - kCodeAt];
  unsigned char data[256];
} Image;

// mov edi, [address]; mov eax, SYS_exit; syscall
static void ExitWithWordAt(Image* image, uint32_t address) {
  unsigned char code[] = {0x8b, 0x3c, 0x25, 0, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05};
  memcpy(code + 3, &address, 4);
  memcpy(image->code, code, sizeof(code));
}

static Elf64_Phdr Segment(uint32_t flags, uint64_t offset, uint64_t filesz, uint64_t memsz,
                          uint64_t address) {
  Elf64_Phdr segment = {PT_LOAD, flags, offset, address, address, filesz, memsz, 4096};
  return segment;
}

// Code in the first segment; data and 3 pages of bss in the second, in one page of the file with
// the code's end.
static Image Good(void) {
  Image image;
  memset(&image, 0, sizeof(image));
  memcpy(image.header.e_ident, ELFMAG "\2\1\1", 7);
  image.header.e_type = ET_EXEC;
  image.header.e_machine = EM_X86_64;
  image.header.e_version = 1;
  image.header.e_entry = kBase + kCodeAt;
  image.header.e_phoff = sizeof(Elf64_Ehdr);
  image.header.e_ehsize = sizeof(Elf64_Ehdr);
  image.header.e_phentsize = sizeof(Elf64_Phdr);
  image.header.e_phnum = 2;
  image.segments[0] = Segment(PF_R | PF_X, 0, kDataAt, kDataAt, kBase);
  image.segments[1] =
      Segment(PF_R | PF_W, kDataAt, 256, 256 + 3 * kPage, kBase + 0x100000 + kDataAt);
  memset(image.data, 11, sizeof(image.data));
  ExitWithWordAt(&image, kBase + 0x100000 + kDataAt);
  return image;
}

static void Execute(void* unused) {
  (void)unused;
  char* args[] = {"elf", NULL};
  char* env[] = {NULL};
  execve(kPath, args, env);
  _exit(200 + (errno == ENOEXEC) + 2 * (errno == ENOMEM) + 4 * (errno == EINVAL));
}

// 0..199: the program's exit code; 201: ENOEXEC, 202: ENOMEM, 204: EINVAL; 139: killed.
static void Try(const char* name, const Image* image, size_t size) {
  unlink(kPath);
  int fd = open(kPath, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  CHECK(fd >= 0);
  CHECK_INT(write(fd, image, size), size);
  CHECK_INT(fchmod(fd, 0755), 0);
  close(fd);
  Say("%s: %d", name, RunChild(Execute, NULL) & 255);
}

static void Loads(void) {
  Image image = Good();
  Try("data", &image, sizeof(image));
  ExitWithWordAt(&image, kBase + 0x100000 + kDataAt + 256);
  Try("bss behind the data", &image, sizeof(image));
  ExitWithWordAt(&image, kBase + 0x100000 + kDataAt + 256 + 2 * kPage);
  Try("bss pages later", &image, sizeof(image));
  ExitWithWordAt(&image, kBase + kDataAt - 4);
  Try("end of the code", &image, sizeof(image));
  image = Good();
  image.header.e_phnum = 3;
  image.segments[2] = Segment(PF_R, 0x1000, 0x100, 0x100, kBase + 0x205000);
  image.code[0x1000 - kCodeAt] = 33;
  ExitWithWordAt(&image, kBase + 0x205000);
  Try("third segment, read-only", &image, sizeof(image));
  image.segments[2].p_type = PT_NOTE;
  Try("the same as a note", &image, sizeof(image));
  image = Good();
  image.segments[1].p_filesz = 0;
  ExitWithWordAt(&image, kBase + 0x100000 + kDataAt);
  Try("all bss", &image, sizeof(image));
  image = Good();
  image.header.e_entry = 0x30000000;
  Try("entry nowhere", &image, sizeof(image));
  image = Good();
  image.segments[0].p_flags = PF_R;
  Try("code not executable", &image, sizeof(image));
}

static void Refuses(void) {
  Image image = Good();
  image.header.e_phnum = 0;
  Try("no segments", &image, sizeof(image));
  image = Good();
  image.header.e_phentsize = 32;
  Try("wrong segment size", &image, sizeof(image));
  image = Good();
  image.header.e_type = ET_REL;
  Try("object file", &image, sizeof(image));
  image = Good();
  image.header.e_phoff = 1 << 20;
  Try("segments beyond the file", &image, sizeof(image));
  image = Good();
  image.header.e_ident[0] = 'x';
  Try("wrong magic", &image, sizeof(image));
}

// What no compiler makes: Linux looks at little before the old program is gone, and what turns out
// to be broken then is SIGSEGV.
static void Odd(void) {
  Image image = Good();
  image.header.e_ident[EI_CLASS] = ELFCLASS32;
  image.header.e_ident[EI_DATA] = ELFDATA2MSB;
  image.header.e_ident[EI_VERSION] = 9;
  Try("class, byte order and version", &image, sizeof(image));
  image = Good();
  image.segments[2] = image.segments[0];
  image.segments[0] = image.segments[1];
  image.segments[1] = image.segments[2];
  Try("descending addresses", &image, sizeof(image));
  image = Good();
  image.header.e_phnum = 3;
  image.segments[2] = Segment(PF_R, 0, kPage, kPage, kBase + 0x101000);
  image.code[kDataAt % kPage - kCodeAt] = 44;
  Try("one segment over another", &image, sizeof(image));
  image = Good();
  image.segments[0].p_filesz = kDataAt + 1;
  Try("more file than memory", &image, sizeof(image));
  image = Good();
  image.segments[1].p_vaddr += 8;
  Try("address that does not fit the offset", &image, sizeof(image));
  image = Good();
  image.segments[1].p_vaddr = 0xffff800000001000 + kDataAt % kPage;
  Try("segment in the kernel", &image, sizeof(image));
  image = Good();
  image.header.e_entry = 0xffff800000000000;
  Try("entry in the kernel", &image, sizeof(image));
  image = Good();
  image.segments[0].p_type = image.segments[1].p_type = PT_NOTE;
  Try("nothing to load", &image, sizeof(image));
  image = Good();
  Try("data cut off", &image, kDataAt - 0x400);
  image.header.e_phnum = 1;
  image.segments[0] = Segment(PF_R | PF_X, 0, kDataAt + 5 * kPage, kDataAt + 5 * kPage, kBase);
  ExitWithWordAt(&image, kBase + kDataAt + 4 * kPage);
  Try("code cut off", &image, sizeof(image));
}

int main(void) {
  Loads();
  Refuses();
  Odd();
  unlink(kPath);
  return Finish();
}
