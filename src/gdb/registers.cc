// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/registers.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "src/gdb/packet.h"

namespace fv::gdb {
namespace {

struct Description {
  const char* name;
  size_t bytes;
  const char* type;
};

constexpr Description kDescriptions[] = {
    {"rax", 8, "int64"},      {"rbx", 8, "int64"},      {"rcx", 8, "int64"},
    {"rdx", 8, "int64"},      {"rsi", 8, "int64"},      {"rdi", 8, "int64"},
    {"rbp", 8, "data_ptr"},   {"rsp", 8, "data_ptr"},   {"r8", 8, "int64"},
    {"r9", 8, "int64"},       {"r10", 8, "int64"},      {"r11", 8, "int64"},
    {"r12", 8, "int64"},      {"r13", 8, "int64"},      {"r14", 8, "int64"},
    {"r15", 8, "int64"},      {"rip", 8, "code_ptr"},   {"eflags", 4, "flags"},
    {"cs", 4, "int32"},       {"ss", 4, "int32"},       {"ds", 4, "int32"},
    {"es", 4, "int32"},       {"fs", 4, "int32"},       {"gs", 4, "int32"},
    {"st0", 10, "i387_ext"},  {"st1", 10, "i387_ext"},  {"st2", 10, "i387_ext"},
    {"st3", 10, "i387_ext"},  {"st4", 10, "i387_ext"},  {"st5", 10, "i387_ext"},
    {"st6", 10, "i387_ext"},  {"st7", 10, "i387_ext"},  {"fctrl", 4, "int"},
    {"fstat", 4, "int"},      {"ftag", 4, "int"},       {"fiseg", 4, "int"},
    {"fioff", 4, "int"},      {"foseg", 4, "int"},      {"fooff", 4, "int"},
    {"fop", 4, "int"},        {"xmm0", 16, "uint128"},  {"xmm1", 16, "uint128"},
    {"xmm2", 16, "uint128"},  {"xmm3", 16, "uint128"},  {"xmm4", 16, "uint128"},
    {"xmm5", 16, "uint128"},  {"xmm6", 16, "uint128"},  {"xmm7", 16, "uint128"},
    {"xmm8", 16, "uint128"},  {"xmm9", 16, "uint128"},  {"xmm10", 16, "uint128"},
    {"xmm11", 16, "uint128"}, {"xmm12", 16, "uint128"}, {"xmm13", 16, "uint128"},
    {"xmm14", 16, "uint128"}, {"xmm15", 16, "uint128"}, {"mxcsr", 4, "int"},
    {"fs_base", 8, "int"},    {"gs_base", 8, "int"},
};
static_assert(std::size(kDescriptions) == kRegisters);

void AppendFeature(const char* name, size_t first, size_t last, std::string& xml) {
  absl::StrAppend(&xml, "<feature name=\"org.gnu.gdb.i386.", name, "\">");
  if (first == kRax) {
    // Bits that a reader of eflags wants by name (Intel SDM vol. 1, 3.4.3).
    absl::StrAppend(&xml, "<flags id=\"flags\" size=\"4\">");
    static constexpr std::pair<const char*, int> kFlags[] = {
        {"CF", 0}, {"PF", 2}, {"AF", 4},  {"ZF", 6},  {"SF", 7},
        {"TF", 8}, {"IF", 9}, {"DF", 10}, {"OF", 11}, {"AC", 18}};
    for (const auto& [flag, bit] : kFlags) {
      absl::StrAppend(&xml, "<field name=\"", flag, "\" start=\"", bit, "\" end=\"", bit, "\"/>");
    }
    absl::StrAppend(&xml, "</flags>");
  }
  for (size_t i = first; i <= last; ++i) {
    absl::StrAppend(&xml, "<reg name=\"", kDescriptions[i].name, "\" bitsize=\"",
                    8 * kDescriptions[i].bytes, "\" type=\"", kDescriptions[i].type, "\"/>");
  }
  absl::StrAppend(&xml, "</feature>");
}

}  // namespace

size_t RegisterBytes(size_t number) { return kDescriptions[number].bytes; }

const std::string& TargetXml() {
  static const std::string* const kXml = [] {
    auto* xml = new std::string(
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
        "<target version=\"1.0\"><architecture>i386:x86-64</architecture>");
    AppendFeature("core", kRax, kFop, *xml);
    AppendFeature("sse", kXmm0, kMxcsr, *xml);
    AppendFeature("segments", kFsBase, kGsBase, *xml);
    absl::StrAppend(xml, "</target>");
    return xml;
  }();
  return *kXml;
}

void Registers::Set(size_t number, uint64_t value) {
  Value& slot = values_[number];
  slot.known = true;
  std::memcpy(slot.bytes.data(), &value, std::min(sizeof(value), RegisterBytes(number)));
}

std::optional<uint64_t> Registers::Get(size_t number) const {
  const Value& slot = values_[number];
  if (!slot.known) return std::nullopt;
  uint64_t value = 0;
  std::memcpy(&value, slot.bytes.data(), std::min(sizeof(value), RegisterBytes(number)));
  return value;
}

void Registers::SetBytes(size_t number, std::string_view bytes) {
  Value& slot = values_[number];
  slot.known = true;
  std::memcpy(slot.bytes.data(), bytes.data(), std::min(bytes.size(), RegisterBytes(number)));
}

std::string Registers::Hex(size_t number) const {
  const Value& slot = values_[number];
  const size_t bytes = RegisterBytes(number);
  return slot.known ? ToHex({slot.bytes.data(), bytes}) : std::string(2 * bytes, 'x');
}

std::string Registers::AllHex() const {
  std::string text;
  for (size_t i = 0; i < kRegisters; ++i) text += Hex(i);
  return text;
}

bool Registers::TakeHex(size_t number, std::string_view digits) {
  if (digits.size() != 2 * RegisterBytes(number)) return false;
  if (digits.front() == 'x') return true;
  const std::optional<std::string> bytes = FromHex(digits);
  if (bytes) SetBytes(number, *bytes);
  return bytes.has_value();
}

bool Registers::TakeAllHex(std::string_view digits) {
  Registers taken = *this;
  for (size_t i = 0; i < kRegisters && !digits.empty(); ++i) {
    const size_t length = 2 * RegisterBytes(i);
    if (!taken.TakeHex(i, digits.substr(0, length))) return false;
    digits.remove_prefix(length);
  }
  if (!digits.empty()) return false;
  *this = taken;
  return true;
}

}  // namespace fv::gdb
