// SPDX-License-Identifier: Apache-2.0
//
// Files, those of /proc among them, terminals, namespaces, and mappings of files. Natively a file
// would stay for the next program, and what /proc says is each kernel's own.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/fuzz/call_rows.h"

namespace fv::fuzz {
namespace {

constexpr Named kOpenFlags[] = {FV_N(O_WRONLY), FV_N(O_RDWR),      FV_N(O_CREAT), FV_N(O_TRUNC),
                                FV_N(O_APPEND), FV_N(O_DIRECTORY), FV_N(O_PATH),  FV_N(O_CLOEXEC),
                                FV_N(O_NOCTTY), FV_N(O_NONBLOCK)};
constexpr Named kModes[] = {{"0644", 0644}, {"0777", 0777}};
constexpr Named kTextSizes[] = {{"1", 1}, {"2", 2}, {"4", 4}, {"16", 16}};
constexpr Named kFileOffsets[] = {{"0", 0},
                                  {"1", 1},
                                  {"4096", 4096},
                                  {"8192", 8192},
                                  {"arena", FV_FUZZ_ARENA},
                                  {"page of arena", FV_FUZZ_ARENA / FV_FUZZ_PAGE * 8}};
constexpr Named kWhence[] = {FV_N(SEEK_SET), FV_N(SEEK_CUR), FV_N(SEEK_END), {"9", 9}};
constexpr Named kFallocate[] = {FV_N(FALLOC_FL_KEEP_SIZE), FV_N(FALLOC_FL_PUNCH_HOLE)};
constexpr Named kIoctls[] = {FV_N(TIOCSCTTY),
                             FV_N(TIOCNOTTY),
                             FV_N(TIOCSPGRP),
                             FV_N(TIOCGPGRP),
                             FV_N(TIOCGSID),
                             FV_N(TIOCSPTLCK),
                             FV_N(TIOCGPTN),
                             FV_N(FIONREAD),
                             FV_N(TIOCGWINSZ),
                             FV_N(TIOCSWINSZ),
                             {"NS_GET_NSTYPE", 0xb703},
                             {"NS_GET_USERNS", 0xb701},
                             {"NS_GET_PARENT", 0xb702},
                             {"NS_GET_PID_IN_PIDNS", 0x8004b708},
                             {"PIDFD_GET_UTS_NAMESPACE", 0xff0a},
                             {"PIDFD_GET_PID_NAMESPACE", 0xff05}};
constexpr Named kPeerFlags[] = {FV_N(O_RDWR), {"O_RDWR|O_NOCTTY", O_RDWR | O_NOCTTY}};
constexpr Named kPeer[] = {{"TIOCGPTPEER", 0x5441}, {"TIOCSCTTY", TIOCSCTTY}};
constexpr Named kNamespaces[] = {{"0", 0}, FV_N(CLONE_NEWUTS), FV_N(CLONE_NEWNS)};
constexpr Named kSpliceFlags[] = {{"SPLICE_F_MOVE", 1}, {"SPLICE_F_NONBLOCK", 2}};
constexpr Named kProt[] = {FV_N(PROT_READ), FV_N(PROT_WRITE), FV_N(PROT_EXEC)};
constexpr Named kFileMaps[] = {
    {"MAP_SHARED|MAP_FIXED", MAP_SHARED | MAP_FIXED},
    {"MAP_PRIVATE|MAP_FIXED", MAP_PRIVATE | MAP_FIXED},
    {"MAP_SHARED_VALIDATE|MAP_FIXED", MAP_SHARED_VALIDATE | MAP_FIXED},
    {"MAP_PRIVATE|MAP_FIXED|MAP_POPULATE", MAP_PRIVATE | MAP_FIXED | MAP_POPULATE},
    {"MAP_SHARED|MAP_FIXED|MAP_POPULATE", MAP_SHARED | MAP_FIXED | MAP_POPULATE}};
constexpr Named kFilePages[] = {{"0", 0}, {"4096", 4096}, {"12288", 12288}};
constexpr Named kFreeMaps[] = {
    {"MAP_PRIVATE|MAP_ANONYMOUS", MAP_PRIVATE | MAP_ANONYMOUS},
    {"MAP_SHARED|MAP_ANONYMOUS", MAP_SHARED | MAP_ANONYMOUS},
    {"MAP_PRIVATE|MAP_ANONYMOUS|MAP_32BIT", MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT},
    {"MAP_PRIVATE|MAP_ANONYMOUS|MAP_POPULATE", MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE},
    {"MAP_PRIVATE|MAP_ANONYMOUS|MAP_GROWSDOWN", MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN},
    {"MAP_PRIVATE|MAP_ANONYMOUS|MAP_GROWSDOWN|MAP_FIXED",
     MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED},
    {"MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK", MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK}};
// A large one: tables that are worth being shared, pages that are mapped ahead.
constexpr Named kFreeSizes[] = {{"4096", 4096}, {"8192", 8192}, {"2 MiB", 2 << 20}};
constexpr Named kEpollOps[] = {{"EPOLL_CTL_ADD", 1}, {"EPOLL_CTL_DEL", 2}, {"EPOLL_CTL_MOD", 3}};
constexpr auto kGuest = Compared::kGuestOnly;

std::vector<CallSpec> NameCalls() {
  return {
      {.name = "open",
       .number = SYS_open,
       .arguments = {kString, Flags(kOpenFlags, O_RDWR | O_CREAT), Choice(kModes)},
       .weight = 10,
       .gives = Gives::kFd,
       .compared = kGuest},
      {.name = "unlink", .number = SYS_unlink, .arguments = {kString}, .compared = kGuest},
      {.name = "readlink",
       .number = SYS_readlink,
       .arguments = {kString, kAddress, kCount},
       .weight = 2,
       .compared = kGuest},
      {.name = "write_text",
       .number = FV_FUZZ_VARIANT(SYS_write, 1),
       .arguments = {kFd, kString, Choice(kTextSizes)},
       .weight = 4,
       .compared = kGuest},
      {.name = "getdents64",
       .number = SYS_getdents64,
       .arguments = {kFd, kAddress, kCount},
       .weight = 2,
       .compared = kGuest},
      {.name = "truncate",
       .number = SYS_truncate,
       .arguments = {kString, kSize},
       .compared = kGuest},
      {.name = "ioctl",
       .number = SYS_ioctl,
       .arguments = {kFd, Choice(kIoctls), kOutbuf},
       .weight = 3,
       .gives = Gives::kFd,
       .compared = kGuest},
      {.name = "ioctl_flags",
       .number = FV_FUZZ_VARIANT(SYS_ioctl, 1),
       .arguments = {kFd, Choice(kPeer), Choice(kPeerFlags)},
       .weight = 2,
       .gives = Gives::kFd,
       .compared = kGuest},
      {.name = "setns",
       .number = SYS_setns,
       .arguments = {kFd, Choice(kNamespaces)},
       .weight = 2,
       .compared = kGuest},
  };
}

std::vector<CallSpec> DataCalls() {
  return {
      {.name = "lseek",
       .number = SYS_lseek,
       .arguments = {kFd, Choice(kFileOffsets), Choice(kWhence)}},
      {.name = "pread64",
       .number = SYS_pread64,
       .arguments = {kFd, kAddress, kCount, Choice(kFileOffsets)},
       .weight = 2},
      {.name = "pwrite64",
       .number = SYS_pwrite64,
       .arguments = {kFd, kAddress, kCount, Choice(kFileOffsets)},
       .weight = 2},
      {.name = "fallocate",
       .number = SYS_fallocate,
       .arguments = {kFd, Flags(kFallocate), Choice(kFilePages), kSize},
       .weight = 2},
      {.name = "splice",
       .number = SYS_splice,
       .arguments = {kFd, Choice(kZero), kFd, Choice(kZero), kCount, Flags(kSpliceFlags)},
       .blocking = kMay,
       .weight = 2},
      {.name = "tee",
       .number = SYS_tee,
       .arguments = {kFd, kFd, kCount, Flags(kSpliceFlags)},
       .blocking = kMay},
      {.name = "epoll_create1",
       .number = SYS_epoll_create1,
       .arguments = {Choice(kZero)},
       .gives = Gives::kFd},
      {.name = "epoll_ctl",
       .number = SYS_epoll_ctl,
       .arguments = {kFd, Choice(kEpollOps), kFd, kValueWord}},
      {.name = "epoll_wait",
       .number = SYS_epoll_wait,
       .arguments = {kFd, kOutbuf, Choice(kOne), Choice(kZero)}},
      {.name = "mmap_file",
       .number = FV_FUZZ_VARIANT(SYS_mmap, 1),
       .arguments = {kAddress, kSize, Flags(kProt, PROT_READ | PROT_WRITE), Choice(kFileMaps), kFd,
                     Choice(kFilePages)},
       .result = ResultType::kAddress,
       .weight = 6},
      {.name = "mmap_free",
       .number = FV_FUZZ_VARIANT(SYS_mmap, 2),
       .arguments = {kAddress, Choice(kFreeSizes), Flags(kProt, PROT_READ | PROT_WRITE),
                     Choice(kFreeMaps), Choice(kZero), Choice(kZero)},
       .result = ResultType::kAddress,
       .weight = 3,
       .compared = kGuest},
  };
}

}  // namespace

std::vector<CallSpec> FileCalls() {
  std::vector<CallSpec> calls = NameCalls();
  const std::vector<CallSpec> data = DataCalls();
  calls.insert(calls.end(), data.begin(), data.end());
  return calls;
}

}  // namespace fv::fuzz
