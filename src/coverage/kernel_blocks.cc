// SPDX-License-Identifier: Apache-2.0
//
// See kernel_blocks.h. The layout of both sections: Clang's documentation, SanitizerCoverage.
#include "src/coverage/kernel_blocks.h"

#include <optional>
#include <string_view>

#include "proto/layout.h"
#include "src/inspect/elf_file.h"

namespace fv::coverage {
namespace {

constexpr std::string_view kCounters = "__sancov_cntrs";
constexpr std::string_view kAddresses = "__sancov_pcs";
constexpr std::string_view kCompares = "fv_compares";

struct AddressEntry {
  uint64_t address;
  uint64_t flags;
};
constexpr uint64_t kBeginsFunction = 1;

std::vector<uint8_t> BytesAt(const vmm::GuestMemory& memory, uint64_t gpa, size_t size) {
  std::vector<uint8_t> bytes(size);
  if (!memory.Read(gpa, bytes.data(), size)) bytes.clear();
  return bytes;
}

}  // namespace

KernelBlocks::KernelBlocks(std::span<const uint8_t> kernel) {
  const inspect::SectionTable table = inspect::ReadSections(kernel);
  const std::optional<Elf64_Shdr> counters = inspect::FindSection(kernel, table, kCounters);
  const std::optional<Elf64_Shdr> addresses = inspect::FindSection(kernel, table, kAddresses);
  if (!counters || !addresses || counters->sh_size > kMaxBlocks ||
      addresses->sh_size != counters->sh_size * sizeof(AddressEntry) ||
      counters->sh_addr < proto::kKernelBase) {
    return;
  }
  std::vector<Block> blocks;
  blocks.reserve(counters->sh_size);
  for (uint64_t at = 0; at < addresses->sh_size; at += sizeof(AddressEntry)) {
    const auto entry = inspect::CopyAt<AddressEntry>(kernel, addresses->sh_offset + at);
    if (!entry) return;
    blocks.push_back({entry->address, (entry->flags & kBeginsFunction) != 0});
  }
  blocks_ = std::move(blocks);
  counters_gpa_ = proto::PhysOfDirectMap(counters->sh_addr);
}

std::vector<uint8_t> KernelBlocks::Read(const vmm::GuestMemory& memory) const {
  return BytesAt(memory, counters_gpa_, blocks_.size());
}

KernelCompares::KernelCompares(std::span<const uint8_t> kernel) {
  const auto section = inspect::FindSection(kernel, inspect::ReadSections(kernel), kCompares);
  if (!section || section->sh_size > kMaxCompares || section->sh_addr < proto::kKernelBase) return;
  gpa_ = proto::PhysOfDirectMap(section->sh_addr);
  size_ = section->sh_size;
}

std::vector<uint8_t> KernelCompares::Read(const vmm::GuestMemory& memory) const {
  return BytesAt(memory, gpa_, size_);
}

std::vector<uint8_t> CountedSince(const std::vector<uint8_t>& before, std::vector<uint8_t> after) {
  for (size_t i = 0; i < after.size() && i < before.size(); ++i) {
    after[i] = static_cast<uint8_t>(after[i] - before[i]);
  }
  return after;
}

}  // namespace fv::coverage
