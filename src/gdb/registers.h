// SPDX-License-Identifier: Apache-2.0
//
// The registers that the stub speaks of: their names and order as target.xml describes them
// (features org.gnu.gdb.i386.core, .sse and .segments, "Target Descriptions" in the GDB manual),
// and the values of one thread, some of which may be unknown.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fv::gdb {

// Numbers of the registers; between those named here they count on.
enum Register : size_t {
  kRax = 0,
  kRbx,
  kRcx,
  kRdx,
  kRsi,
  kRdi,
  kRbp,
  kRsp,
  kR8,
  kR15 = kR8 + 7,
  kRip,
  kEflags,
  kCs,
  kSs,
  kDs,
  kEs,
  kFs,
  kGs,
  kSt0,
  kFctrl = kSt0 + 8,
  kFstat,
  kFtag,
  kFiseg,
  kFioff,
  kFoseg,
  kFooff,
  kFop,
  kXmm0,
  kMxcsr = kXmm0 + 16,
  kFsBase,
  kGsBase,
  kRegisters,
};

// In bytes.
size_t RegisterBytes(size_t number);
// The document that qXfer:features:read gives.
const std::string& TargetXml();

class Registers {
 public:
  // Integer registers and those of at most 8 bytes.
  void Set(size_t number, uint64_t value);
  std::optional<uint64_t> Get(size_t number) const;
  // Any; `bytes` has RegisterBytes(number).
  void SetBytes(size_t number, std::string_view bytes);

  // As packets have them: hexadecimal in the guest's byte order, "xx" for what is unknown.
  std::string Hex(size_t number) const;
  std::string AllHex() const;
  // Takes over what `digits` say; false, and nothing changed, if it is no such text. Registers that
  // it leaves out or marks as unknown keep their values.
  bool TakeHex(size_t number, std::string_view digits);
  bool TakeAllHex(std::string_view digits);

 private:
  static constexpr size_t kMostBytes = 16;
  struct Value {
    bool known = false;
    std::array<char, kMostBytes> bytes{};
  };
  std::array<Value, kRegisters> values_{};
};

}  // namespace fv::gdb
