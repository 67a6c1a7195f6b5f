// SPDX-License-Identifier: Apache-2.0
//
// What a run showed, as counters for a coverage-guided engine: which calls had which outcome, and
// which followed which in a task. Programs that show something new are worth keeping.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "src/fuzz/program.h"
#include "src/fuzz/results.h"

namespace fv::fuzz {

inline constexpr size_t kFeatures = size_t{1} << 15;

// Adds to `counters`, which has kFeatures elements.
void AddFeatures(const Program& program, const Results& results, std::span<uint8_t> counters);

}  // namespace fv::fuzz
