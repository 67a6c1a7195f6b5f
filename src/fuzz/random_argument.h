// SPDX-License-Identifier: Apache-2.0
//
// What a call of a random program is given: mostly what makes the call do something - a result of
// before that fits, pages where something is, flags that go together - and now and then anything.
#pragma once

#include <cstddef>

#include "src/fuzz/calls.h"
#include "src/fuzz/program.h"
#include "src/fuzz/random.h"

namespace fv::fuzz {

// An argument for step `place` of `task`, which may refer to what stands before it in the program.
Argument RandomArgument(const ArgumentSpec& spec, const Program& program, size_t task, size_t place,
                        Random& random);

}  // namespace fv::fuzz
