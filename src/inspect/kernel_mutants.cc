// SPDX-License-Identifier: Apache-2.0
#include "src/inspect/kernel_mutants.h"

#include "src/inspect/elf_file.h"

namespace fv::inspect {

bool HasMutants(std::span<const uint8_t> kernel) {
  const auto sites = FindSection(kernel, ReadSections(kernel), kEventSitesSection);
  return sites && sites->sh_size != 0;
}

}  // namespace fv::inspect
