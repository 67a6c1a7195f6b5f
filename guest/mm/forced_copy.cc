// SPDX-License-Identifier: Apache-2.0
//
// Copies to and from memory that its user may not access: what the user may is done as usual, the
// rest page by page.
#include "guest/introspect/introspect.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"
#include "guest/mm/page_table.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {
namespace {

// The kernel's pointer to the byte, or nullptr.
uint8_t* Force(Mm& mm, uint64_t address, FaultAccess access) {
  if (address >= proto::kUserEnd || ForceFault(mm, address, access) != FaultResult::kHandled) {
    return nullptr;
  }
  const uint64_t in_page = address & (proto::kPageBytes - 1);
  return static_cast<uint8_t*>(FrameData(PfnOfPte(*LookupPte(mm, address)))) + in_page;
}

// Bytes up to the end of the page, at most `bytes`.
size_t PieceAt(uint64_t address, size_t bytes) {
  const size_t room = proto::kPageBytes - (address & (proto::kPageBytes - 1));
  return bytes < room ? bytes : room;
}

}  // namespace

size_t CopyToUserForced(Mm& mm, uint64_t to, const void* from, size_t bytes) {
  const auto* source = static_cast<const uint8_t*>(from);
  size_t done = 0;
  for (;;) {
    done += CopyToUserPartial(mm, to + done, source + done, bytes - done);
    uint8_t* data = done < bytes ? Force(mm, to + done, FaultAccess::kWrite) : nullptr;
    if (data == nullptr) {
      return done;
    }
    const size_t piece = PieceAt(to + done, bytes - done);
    memcpy(data, source + done, piece);
    EmitEvent(proto::EventKind::kUserWrite, AddressOf(&mm), to + done, piece);
    done += piece;
  }
}

size_t CopyFromUserForced(Mm& mm, void* to, uint64_t from, size_t bytes) {
  auto* target = static_cast<uint8_t*>(to);
  size_t done = 0;
  for (;;) {
    done += CopyFromUserPartial(mm, target + done, from + done, bytes - done);
    const uint8_t* data = done < bytes ? Force(mm, from + done, FaultAccess::kRead) : nullptr;
    if (data == nullptr) {
      return done;
    }
    const size_t piece = PieceAt(from + done, bytes - done);
    memcpy(target + done, data, piece);
    done += piece;
  }
}

}  // namespace fv::guest
