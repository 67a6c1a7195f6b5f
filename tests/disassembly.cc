// SPDX-License-Identifier: Apache-2.0
//
// Judging one line of objdump's output; see disassembly.h.
#include "tests/disassembly.h"

#include <array>
#include <regex>

namespace fv::tests {
namespace {

constexpr std::array<std::string_view, 4> kWholeState = {"fxsave", "fxrstor", "xsave", "xrstor"};

bool IsWholeState(std::string_view mnemonic) {
  if (mnemonic == "fninit" || mnemonic == "ldmxcsr" || mnemonic == "stmxcsr") return true;
  for (std::string_view prefix : kWholeState) {
    if (mnemonic.substr(0, prefix.size()) == prefix) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> ForbiddenInstruction(std::string_view line) {
  // "  address:\tmnemonic operands", as objdump --no-show-raw-insn prints it; prefixes such as
  // "lock" and "rep" count as mnemonics, the operands are searched whole anyway.
  const size_t tab = line.find(":\t");
  if (tab == std::string_view::npos) return std::nullopt;
  std::string_view text = line.substr(tab + 2);
  // The symbol in <...> and the comment after # are names, which may look like registers.
  text = text.substr(0, text.find_first_of("<#"));
  const std::string_view mnemonic = text.substr(0, text.find_first_of(" \t"));
  if (IsWholeState(mnemonic)) return std::nullopt;
  if (mnemonic == "(bad)") return "bytes that are no instruction";
  static const std::regex kRegister("%([xyz]?mm[0-9]|st\\b|k[0-7]\\b|bnd[0-3])");
  if (std::regex_search(text.begin(), text.end(), kRegister)) return "a vector or x87 register";
  // Every x87 mnemonic starts with f; those without register operands (fld1, fchs, ...) too.
  if (!mnemonic.empty() && mnemonic[0] == 'f') return "an x87 instruction";
  if (mnemonic == "emms" || mnemonic.substr(0, 5) == "vzero") return "an MMX or AVX instruction";
  return std::nullopt;
}

}  // namespace fv::tests
