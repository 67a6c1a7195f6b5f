// SPDX-License-Identifier: Apache-2.0
//
// One pass over the bytes; nothing beyond `bytes` is looked at.

#include "guest/task/exec_script.h"

#include "guest/lib/string.h"

namespace fv::guest {
namespace {
bool IsBlank(uint8_t c) { return c == ' ' || c == '\t'; }
}  // namespace

Status ParseScriptLine(const uint8_t* head, uint64_t bytes, ScriptLine& line) {
  line = {};
  uint64_t end = 2;
  while (end < bytes && head[end] != '\n' && head[end] != '\0') {
    ++end;
  }
  const bool cut = end == bytes && bytes == kScriptLineBytes;
  while (end > 2 && IsBlank(head[end - 1])) {
    --end;
  }
  uint64_t at = 2;
  while (at < end && IsBlank(head[at])) {
    ++at;
  }
  uint64_t name_end = at;
  while (name_end < end && !IsBlank(head[name_end])) {
    ++name_end;
  }
  if (name_end == at || (cut && name_end == end)) {
    return Error(ENOEXEC);  // no interpreter, or its name is cut off
  }
  memcpy(line.interpreter, head + at, name_end - at);
  at = name_end;
  while (at < end && IsBlank(head[at])) {
    ++at;
  }
  memcpy(line.argument, head + at, end - at);
  return Ok();
}

}  // namespace fv::guest
