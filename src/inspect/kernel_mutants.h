// SPDX-License-Identifier: Apache-2.0
//
// Whether a guest kernel has bugs to switch on (proto/mutants.h), by its ELF file. The file may be
// the user's.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fv::inspect {

// Kernels that are built with mutants, and no others, have something in this section: where in
// their code the last events were emitted (guest/introspect/event_sites.h).
inline constexpr std::string_view kEventSitesSection = "fv_event_sites";

// False for a file that is no kernel.
bool HasMutants(std::span<const uint8_t> kernel);

}  // namespace fv::inspect
