// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm_counts.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "vmm/fd.h"
#include "vmm/kvm_api.h"

namespace fv::vmm {
namespace {

// Longer names or more statistics than any KVM has are no answer.
constexpr uint32_t kMostBytes = 1 << 20;

bool ReadExactly(int fd, void* to, size_t bytes, uint64_t offset) {
  return ::pread(fd, to, bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes);
}

// Offsets of the values by name, from the start of the file.
std::map<std::string, uint64_t> ReadDescriptors(int fd, const kvm_stats_header& header) {
  const uint64_t each = sizeof(kvm_stats_desc) + uint64_t{header.name_size};
  std::map<std::string, uint64_t> offsets;
  if (header.num_desc == 0 || each * header.num_desc > kMostBytes) return offsets;
  std::vector<char> bytes(each * header.num_desc);
  if (!ReadExactly(fd, bytes.data(), bytes.size(), header.desc_offset)) return offsets;
  for (uint32_t i = 0; i < header.num_desc; ++i) {
    const char* at = bytes.data() + i * each;
    kvm_stats_desc descriptor;
    std::memcpy(&descriptor, at, sizeof(descriptor));
    const char* name = at + sizeof(descriptor);
    offsets[std::string(name, strnlen(name, header.name_size))] =
        uint64_t{header.data_offset} + descriptor.offset;
  }
  return offsets;
}

}  // namespace

KvmCounts ReadKvmCounts(int vcpu_fd) {
  const Fd file(::ioctl(vcpu_fd, KVM_GET_STATS_FD, 0UL));
  kvm_stats_header header{};
  if (!file.valid() || !ReadExactly(file.get(), &header, sizeof(header), 0)) return {};
  const std::map<std::string, uint64_t> offsets = ReadDescriptors(file.get(), header);
  const auto read = [&](const char* name, uint64_t& value) {
    const auto found = offsets.find(name);
    return found != offsets.end() && ReadExactly(file.get(), &value, sizeof(value), found->second);
  };
  KvmCounts counts;
  counts.known = read("exits", counts.exits) && read("insn_emulation", counts.emulated) &&
                 read("pf_fixed", counts.faults);
  return counts.known ? counts : KvmCounts{};
}

}  // namespace fv::vmm
