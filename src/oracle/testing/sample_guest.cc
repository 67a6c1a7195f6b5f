// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/testing/sample_guest.h"

#include "proto/records.h"

namespace fv::oracle::testing {

using proto::kPageBytes;

SampleGuest::SampleGuest(uint64_t ram_bytes) : guest(ram_bytes) {
  constexpr uint64_t kReadWrite = proto::kVmRead | proto::kVmWrite;
  file = guest.AddObject(600);
  shared = guest.AddObject(16);
  mm = guest.AddMm();
  text = guest.AddVma(mm, kTextAt, 4, proto::kVmRead | proto::kVmExec, file, 0);
  data = guest.AddVma(mm, kDataAt, 4, kReadWrite, file, 512);
  heap = guest.AddVma(mm, kHeapAt, 2 * kPrivatePages, kReadWrite | proto::kVmHeap);
  shm = guest.AddVma(mm, kSharedAt, 8, kReadWrite | proto::kVmShared, shared, 2);
  rodata = guest.AddVma(mm, kReadOnlyAt, 2, proto::kVmRead);
  parent = guest.AddTask(2, guest.init_task(), mm);
  for (uint64_t i = 0; i < 4; ++i) {
    const Access alternating = i % 2 == 0 ? Access::kWrite : Access::kRead;
    guest.Touch(mm, text, kTextAt + i * kPageBytes, Access::kRead);
    guest.Touch(mm, data, kDataAt + i * kPageBytes, alternating);
    guest.Touch(mm, shm, kSharedAt + i * kPageBytes, alternating);
  }
  for (uint64_t i = 0; i < kPrivatePages; ++i) {
    guest.Touch(mm, heap, kHeapAt + i * kPageBytes, Access::kWrite);
  }
  guest.Touch(mm, heap, kHeapAt + kPrivatePages * kPageBytes, Access::kRead);  // zero frame
  guest.Touch(mm, rodata, kReadOnlyAt, Access::kRead);
  child = guest.Fork(parent, 3);
  child_mm = guest.Peek<proto::TaskRecord>(child).mm;
  guest.Touch(child_mm, guest.Vmas(child_mm)[2], kHeapAt,
              Access::kWrite);  // one page broken already
  thread = guest.AddThread(4, parent);
  space = guest.AddPidSpace(guest.initial_space());
  inner = guest.AddTask(5, guest.init_task(), 0, space);
  guest.LeadSession(inner);
  auto* cpu = guest.Ptr<proto::CpuRecord>(guest.header().cpus);
  cpu->current = parent;
  cpu->loaded_root = guest.Peek<proto::MmRecord>(mm).root_gpa;
}

}  // namespace fv::oracle::testing
