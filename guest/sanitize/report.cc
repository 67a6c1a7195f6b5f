// SPDX-License-Identifier: Apache-2.0
//
// See report.h. The text has to fit into ChannelHeader::panic_message, so words are few.
#include "guest/sanitize/report.h"

#include "guest/arch/callers.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/print.h"
#include "guest/sanitize/describe.h"
#include "guest/sanitize/shadow.h"
#include "guest/sanitize/text.h"

namespace fv::guest::sanitize {
namespace {

constexpr unsigned kShownCallers = 5;

// Formatting and the way to the host are checked code: from the first report on it is let through.
constinit bool reporting = false;

[[noreturn]] void Finish(Text& text, const void* frame, const Description& what) {
  text.Add("; at");
  for (const uint64_t caller : CallersOf<kShownCallers>(frame).at) {
    if (caller != 0) {
      text.Add(" %lx", caller - proto::kKernelBase);
    }
  }
  AddSite(text, "allocated", what.allocated);
  AddSite(text, "freed", what.freed);
  Panic("%s", text.c_str());
}

}  // namespace

void ReportAccess(uint64_t address, size_t bytes, Access access, const void* frame) {
  if (reporting) {
    return;
  }
  reporting = true;
  const uint64_t bad = FirstPoisoned(address, bytes);
  const Description what = Describe(bad);
  Text text;
  text.Add("kasan: %s: %s of %lu at %lx", what.kind, access == Access::kWrite ? "write" : "read",
           bytes, address);
  if (what.place[0] != '\0') {
    text.Add(", %s", what.place);
  }
  Finish(text, frame, what);
}

void ReportFree(const void* object, FreeError error, const void* frame) {
  if (reporting) {
    return;
  }
  reporting = true;
  const Description what = Describe(reinterpret_cast<uint64_t>(object));
  Text text;
  text.Add("kasan: %s: of %lx, %s", error == FreeError::kNotInUse ? "double-free" : "invalid-free",
           reinterpret_cast<uint64_t>(object), what.place);
  Finish(text, frame, what);
}

void ReportUndefined(const char* kind, const char* file, uint32_t line, uint32_t column,
                     const char* what, const void* frame) {
  if (reporting) {
    return;
  }
  reporting = true;
  Text text;
  text.Add("ubsan: %s: %s in %s:%u:%u", kind, what, file, line, column);
  Finish(text, frame, Description{});
}

}  // namespace fv::guest::sanitize
