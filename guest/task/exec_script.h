// SPDX-License-Identifier: Apache-2.0
//
// The first line of an interpreter script (execve(2), "Interpreter scripts"). Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

inline constexpr size_t kScriptLineBytes = 256;  // BINPRM_BUF_SIZE

struct ScriptLine {
  char interpreter[kScriptLineBytes];
  char argument[kScriptLineBytes];  // "" if there is none; all the rest of the line in one piece
};

inline bool IsScript(const uint8_t* head, uint64_t bytes) {
  return bytes >= 2 && head[0] == '#' && head[1] == '!';
}
// `head`: the first `bytes` bytes of the file. Errors: ENOEXEC (no name, or it does not fit).
Status ParseScriptLine(const uint8_t* head, uint64_t bytes, ScriptLine& line);

}  // namespace fv::guest
