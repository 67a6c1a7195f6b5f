// SPDX-License-Identifier: Apache-2.0
//
// /proc/sys/vm: overcommit, the limit of mappings, and what has one value on this machine
// (Linux: Documentation/admin-guide/sysctl/vm.rst).
#include "guest/fs/proc_sysctl.h"
#include "guest/mm/commit.h"
#include "guest/mm/mm.h"

namespace fv::guest {
namespace {

Status ShowPolicy(TextBuffer& out, const ProcKey&) {
  out.Add("%u\n", static_cast<unsigned>(overcommit.policy));
  return Ok();
}
Status StorePolicy(const ProcKey&, const char* text, size_t length) {
  const uint64_t value = TRY(ParseSysctl(text, length, 0, 2));
  overcommit.policy = static_cast<OvercommitPolicy>(value);
  return Ok();
}

// Ratio and kbytes: setting one clears the other.
Status ShowRatio(TextBuffer& out, const ProcKey&) {
  out.Add("%lu\n", overcommit.ratio);
  return Ok();
}
Status StoreRatio(const ProcKey&, const char* text, size_t length) {
  overcommit.ratio = TRY(ParseSysctl(text, length, 0, kSysctlIntMax));
  overcommit.kbytes = 0;
  return Ok();
}
Status ShowKbytes(TextBuffer& out, const ProcKey&) {
  out.Add("%lu\n", overcommit.kbytes);
  return Ok();
}
Status StoreKbytes(const ProcKey&, const char* text, size_t length) {
  overcommit.kbytes = TRY(ParseSysctl(text, length, 0, ~uint64_t{0}));
  overcommit.ratio = 0;
  return Ok();
}

Status ShowAdminReserve(TextBuffer& out, const ProcKey&) {
  out.Add("%lu\n", overcommit.admin_reserve_kbytes);
  return Ok();
}
Status StoreAdminReserve(const ProcKey&, const char* text, size_t length) {
  overcommit.admin_reserve_kbytes = TRY(ParseSysctl(text, length, 0, ~uint64_t{0}));
  return Ok();
}
Status ShowUserReserve(TextBuffer& out, const ProcKey&) {
  out.Add("%lu\n", overcommit.user_reserve_kbytes);
  return Ok();
}
Status StoreUserReserve(const ProcKey&, const char* text, size_t length) {
  overcommit.user_reserve_kbytes = TRY(ParseSysctl(text, length, 0, ~uint64_t{0}));
  return Ok();
}

// Pages of files are the files here, and slabs give empty frames back at once: there is nothing to
// drop, as on a Linux whose caches are empty.
constinit uint64_t drop_caches = 0;
constinit uint64_t swappiness = 60;

template <uint64_t kValue>
Status ShowConstant(TextBuffer& out, const ProcKey&) {
  out.Add("%lu\n", kValue);
  return Ok();
}

}  // namespace

constinit const ProcNode kProcVm[kProcVmCount] = {
    SysctlFile("admin_reserve_kbytes", ShowAdminReserve, StoreAdminReserve),
    {"drop_caches", kTypeRegular | 0200, ProcKind::kPlain, nullptr, StoreSysctl<drop_caches, 1, 4>,
     nullptr, 0},
    SysctlNumber<max_map_count>("max_map_count"),
    ProcFile("mmap_min_addr", ShowConstant<proto::kUserStart>),
    ProcFile("nr_hugepages", ShowConstant<0>),
    ProcFile("nr_overcommit_hugepages", ShowConstant<0>),
    SysctlFile("overcommit_kbytes", ShowKbytes, StoreKbytes),
    SysctlFile("overcommit_memory", ShowPolicy, StorePolicy),
    SysctlFile("overcommit_ratio", ShowRatio, StoreRatio),
    ProcFile("page-cluster", ShowConstant<3>),
    SysctlNumber<swappiness, 0, 200>("swappiness"),
    SysctlFile("user_reserve_kbytes", ShowUserReserve, StoreUserReserve),
};

}  // namespace fv::guest
