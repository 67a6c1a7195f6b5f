// SPDX-License-Identifier: Apache-2.0
//
// See fork_strategies.h.
#include "src/inspect/fork_strategies.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/inspect/elf_file.h"

namespace fv::inspect {

namespace {

// The headers of the sections that have strategies.
std::vector<Elf64_Shdr> StrategySections(std::span<const uint8_t> kernel) {
  std::vector<Elf64_Shdr> found;
  const SectionTable table = ReadSections(kernel);
  for (const Elf64_Shdr& section : table.sections) {
    if (StringAt(kernel, table.names + section.sh_name) == proto::kForkStrategySection) {
      found.push_back(section);
    }
  }
  return found;
}

}  // namespace

std::vector<ForkStrategy> ReadForkStrategies(std::span<const uint8_t> kernel) {
  std::vector<ForkStrategy> strategies;
  for (const Elf64_Shdr& section : StrategySections(kernel)) {
    constexpr uint64_t kBytes = sizeof(proto::ForkStrategyRecord);
    for (uint64_t at = 0; at + kBytes <= section.sh_size; at += kBytes) {
      const auto record = CopyAt<proto::ForkStrategyRecord>(kernel, section.sh_offset + at);
      if (!record) break;
      strategies.push_back(
          {{record->name, strnlen(record->name, sizeof(record->name))}, record->memory});
    }
  }
  return strategies;
}

bool HasForkStrategiesOf(const MemoryReader& memory, std::span<const uint8_t> kernel) {
  const std::vector<Elf64_Shdr> sections = StrategySections(kernel);
  for (const Elf64_Shdr& section : sections) {
    const uint64_t at = proto::PhysOfDirectMap(section.sh_addr);
    if (section.sh_offset > kernel.size() || section.sh_size > kernel.size() - section.sh_offset ||
        at % sizeof(uint64_t) != 0 || !memory.Contains(at, section.sh_size) ||
        !memory.Same(at, kernel.data() + section.sh_offset, section.sh_size)) {
      return false;
    }
  }
  return !sections.empty();
}

absl::Status CheckForkStrategy(std::span<const uint8_t> kernel, const std::string& name) {
  std::vector<std::string> names;
  for (const ForkStrategy& strategy : ReadForkStrategies(kernel)) {
    if (strategy.name == name) return absl::OkStatus();
    names.push_back(strategy.name);
  }
  if (names.empty()) return absl::OkStatus();
  std::sort(names.begin(), names.end());
  return absl::InvalidArgumentError(
      absl::StrCat("--strategy=", name, ": choose one of ", absl::StrJoin(names, ", ")));
}

proto::ForkMemory MemoryOfFork(std::span<const uint8_t> kernel, const std::string& name) {
  for (const ForkStrategy& strategy : ReadForkStrategies(kernel)) {
    if (strategy.name == name) return strategy.memory;
  }
  return proto::ForkMemory::kShares;
}

}  // namespace fv::inspect
