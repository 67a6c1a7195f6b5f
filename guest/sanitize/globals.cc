// SPDX-License-Identifier: Apache-2.0
//
// See globals.h.
#include "guest/sanitize/globals.h"

#include "guest/sanitize/shadow.h"

extern "C" {
using Constructor = void (*)();
extern const Constructor fv_constructors_begin[];
extern const Constructor fv_constructors_end[];
void __asan_register_globals(fv::guest::sanitize::Global* globals, size_t count);
void __asan_unregister_globals(fv::guest::sanitize::Global* globals, size_t count);
}

namespace fv::guest::sanitize {
namespace {

// One list a file; those beyond are poisoned, but have no name in a report.
constexpr size_t kMostLists = 512;

struct List {
  const Global* globals;
  size_t count;
};
constinit List lists[kMostLists] = {};
constinit size_t list_count = 0;

}  // namespace

void RegisterGlobals() {
  for (const Constructor* at = fv_constructors_begin; at != fv_constructors_end; ++at) {
    (*at)();
  }
}

const Global* FindGlobal(uint64_t address) {
  for (size_t i = 0; i < list_count; ++i) {
    for (size_t j = 0; j < lists[i].count; ++j) {
      const Global& global = lists[i].globals[j];
      if (address - global.start < global.bytes_with_redzone) {
        return &global;
      }
    }
  }
  return nullptr;
}

}  // namespace fv::guest::sanitize

void __asan_register_globals(fv::guest::sanitize::Global* globals, size_t count) {
  using namespace fv::guest::sanitize;
  for (size_t i = 0; i < count; ++i) {
    SetPoison(globals[i].start, globals[i].bytes_with_redzone, kGlobalRedzone);
    Unpoison(globals[i].start, globals[i].bytes);
  }
  if (list_count < kMostLists) {
    lists[list_count++] = {globals, count};
  }
}

// Of the destructor that goes with each constructor; the kernel never ends.
void __asan_unregister_globals(fv::guest::sanitize::Global* /*globals*/, size_t /*count*/) {}
