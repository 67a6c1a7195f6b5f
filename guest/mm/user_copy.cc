// SPDX-License-Identifier: Apache-2.0
//
// See user_copy.h.
#include "guest/mm/user_copy.h"

#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/string.h"
#include "guest/mm/page_table.h"
#include "guest/mm/shared_tables.h"

namespace fv::guest {

using proto::Pte;

namespace {

// The user's entry for `address` if it allows the access now.
Pte* Accessible(const Mm& mm, uint64_t address, FaultAccess access) {
  const Pte needed = proto::kPtePresent | proto::kPteUser |
                     (access == FaultAccess::kWrite ? proto::kPteWritable : 0);
  Pte* pte = LookupPte(mm, address);
  if (access == FaultAccess::kWrite && TableIsShared(mm, address)) [[unlikely]] {
    return nullptr;
  }
  return pte != nullptr && (*pte & needed) == needed ? pte : nullptr;
}

// The kernel's pointer to a user's byte, faulted in; nullptr if the user may not access it.
uint8_t* Reach(Mm& mm, uint64_t address, FaultAccess access) {
  if (address >= proto::kUserEnd) {
    return nullptr;
  }
  Pte* pte =
      Accessible(mm, address, HasMutant(Mutant::kWriteThrough) ? FaultAccess::kRead : access);
  if (pte == nullptr) [[unlikely]] {
    if (HandleFault(mm, address, access) != FaultResult::kHandled) {
      return nullptr;
    }
    pte = Accessible(mm, address, access);
    if (pte == nullptr) {
      return nullptr;
    }
  }
  return static_cast<uint8_t*>(FrameData(PfnOfPte(*pte))) + (address & (proto::kPageBytes - 1));
}

// Calls move(kernel pointer, bytes done, piece) page by page; returns the bytes done before the
// first inaccessible page.
template <typename Move>
size_t ForEachPage(Mm& mm, uint64_t address, size_t bytes, FaultAccess access, Move move) {
  size_t done = 0;
  while (done < bytes) {
    const uint64_t at = address + done;
    const size_t room = proto::kPageBytes - (at & (proto::kPageBytes - 1));
    const size_t piece = bytes - done < room ? bytes - done : room;
    uint8_t* data = Reach(mm, at, access);
    if (data == nullptr) {
      break;
    }
    move(data, done, piece);
    done += piece;
  }
  return done;
}

void EmitWrite(const Mm& mm, uint64_t address, size_t bytes) {
  if (bytes != 0) {
    EmitEvent(proto::EventKind::kUserWrite, AddressOf(&mm), address, bytes);
  }
}

size_t RoomInPage(uint64_t address) {
  return proto::kPageBytes - (address & (proto::kPageBytes - 1));
}

size_t Least(size_t a, size_t b) { return a < b ? a : b; }

// memcpy may not overlap; memmove would go downwards.
void CopyUpwards(uint8_t* to, const uint8_t* from, size_t bytes) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

Status AllOr(size_t done, size_t bytes) { return done == bytes ? Ok() : Status(Error(EFAULT)); }

}  // namespace

size_t CopyToUserPartial(Mm& mm, uint64_t to, const void* from, size_t bytes) {
  const auto* source = static_cast<const uint8_t*>(from);
  const size_t written = ForEachPage(
      mm, to, bytes, FaultAccess::kWrite,
      [source](uint8_t* data, size_t done, size_t piece) { memcpy(data, source + done, piece); });
  EmitWrite(mm, to, written);
  return written;
}

size_t CopyFromUserPartial(Mm& mm, void* to, uint64_t from, size_t bytes) {
  auto* target = static_cast<uint8_t*>(to);
  return ForEachPage(mm, from, bytes, FaultAccess::kRead,
                     [target](const uint8_t* data, size_t done, size_t piece) {
                       memcpy(target + done, data, piece);
                     });
}

Status CopyToUser(Mm& mm, uint64_t to, const void* from, size_t bytes) {
  return AllOr(CopyToUserPartial(mm, to, from, bytes), bytes);
}

Status CopyFromUser(Mm& mm, void* to, uint64_t from, size_t bytes) {
  return AllOr(CopyFromUserPartial(mm, to, from, bytes), bytes);
}

size_t CopyBetweenUsers(Mm& to_mm, uint64_t to, Mm& from_mm, uint64_t from, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    const size_t in_target = Least(bytes - done, RoomInPage(to + done));
    const size_t piece = Least(in_target, RoomInPage(from + done));
    // The fault of the write comes first: it may put another frame where is read.
    uint8_t* target = Reach(to_mm, to + done, FaultAccess::kWrite);
    const uint8_t* source =
        target == nullptr ? nullptr : Reach(from_mm, from + done, FaultAccess::kRead);
    if (source == nullptr) {
      break;
    }
    CopyUpwards(target, source, piece);
    done += piece;
  }
  EmitWrite(to_mm, to, done);
  return done;
}

size_t ZeroUserPartial(Mm& mm, uint64_t to, size_t bytes) {
  const size_t written =
      ForEachPage(mm, to, bytes, FaultAccess::kWrite,
                  [](uint8_t* data, size_t, size_t piece) { memset(data, 0, piece); });
  EmitWrite(mm, to, written);
  return written;
}

Status ZeroUser(Mm& mm, uint64_t to, size_t bytes) {
  return AllOr(ZeroUserPartial(mm, to, bytes), bytes);
}

Result<size_t> CopyStringFromUser(Mm& mm, uint64_t from, char* to, size_t capacity) {
  size_t length = 0;
  while (length < capacity) {
    const uint64_t at = from + length;
    const uint8_t* data = Reach(mm, at, FaultAccess::kRead);
    if (data == nullptr) {
      return Error(EFAULT);
    }
    size_t room = proto::kPageBytes - (at & (proto::kPageBytes - 1));
    room = room < capacity - length ? room : capacity - length;
    for (size_t i = 0; i < room; ++i) {
      to[length] = static_cast<char>(data[i]);
      if (data[i] == 0) {
        return length;
      }
      ++length;
    }
  }
  return Error(ENAMETOOLONG);
}

Result<size_t> UserStringLength(Mm& mm, uint64_t from, size_t limit) {
  size_t length = 0;
  while (length <= limit) {
    const uint64_t at = from + length;
    const uint8_t* data = Reach(mm, at, FaultAccess::kRead);
    if (data == nullptr) {
      return Error(EFAULT);
    }
    const size_t room = proto::kPageBytes - (at & (proto::kPageBytes - 1));
    for (size_t i = 0; i < room; ++i, ++length) {
      if (data[i] == 0) {
        return length <= limit ? Result<size_t>(length) : Result<size_t>(Error(E2BIG));
      }
    }
  }
  return Error(E2BIG);
}

Result<uint64_t> UserFrame(Mm& mm, uint64_t address, FaultAccess access) {
  // A reference of the kernel must make the frame shared: behind a table that is shared in place of
  // its frames, the count would still say that it is not.
  TRY(OwnTables(mm, address, address + 1));
  const uint8_t* data = Reach(mm, address, access);
  if (data == nullptr) {
    return Error(EFAULT);
  }
  return PfnOfPointer(data);
}

Result<uint32_t> CompareExchangeUser(Mm& mm, uint64_t address, uint32_t expected,
                                     uint32_t desired) {
  if (address % sizeof(uint32_t) != 0) {
    return Error(EINVAL);
  }
  auto* word = reinterpret_cast<uint32_t*>(Reach(mm, address, FaultAccess::kWrite));
  if (word == nullptr) {
    return Error(EFAULT);
  }
  __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  EmitWrite(mm, address, sizeof(uint32_t));
  return expected;
}

}  // namespace fv::guest
