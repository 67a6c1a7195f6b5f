// SPDX-License-Identifier: Apache-2.0
//
// Makes a program smaller as long as it still shows what it was kept for: tasks, then calls, then
// turns, then arguments.
#pragma once

#include <cstddef>
#include <functional>

#include "src/fuzz/program.h"

namespace fv::fuzz {

// `shows` is asked at most `tries` times; `program` itself must show it. The result is valid and
// shows it.
Program Minimise(const Program& program, const std::function<bool(const Program&)>& shows,
                 size_t tries = 300);

}  // namespace fv::fuzz
