// SPDX-License-Identifier: Apache-2.0
//
// See sanitizer_report.h.
#include "src/inspect/sanitizer_report.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/layout.h"
#include "src/inspect/kernel_symbols.h"

namespace fv::inspect {
namespace {

// They do what they are told: who told them is of interest.
constexpr const char* kPrimitives[] = {"memcpy", "memmove", "memset",   "memcmp",  "strlen",
                                       "strcmp", "strncmp", "CopyPage", "ZeroPage"};

bool IsPrimitive(const std::string& function) {
  return std::find(std::begin(kPrimitives), std::end(kPrimitives), function) !=
         std::end(kPrimitives);
}

// The functions that return addresses are in, inner first.
std::vector<std::string> Names(const std::vector<absl::string_view>& words, size_t first,
                               const KernelSymbols& symbols) {
  std::vector<std::string> names;
  for (size_t i = first; i < words.size(); ++i) {
    uint64_t offset = 0;
    if (!absl::SimpleHexAtoi(words[i], &offset) || offset > proto::kMaxRamBytes) continue;
    // A return address may stand behind the end of a function that does not return.
    const std::string name = symbols.Function(proto::DirectMap(offset) - 1);
    names.push_back(name.empty() ? absl::StrCat("0x", std::string(words[i])) : name);
  }
  return names;
}

}  // namespace

std::optional<SanitizerReport> ReadSanitizerReport(std::string_view message,
                                                   std::span<const uint8_t> kernel) {
  const absl::string_view all(message.data(), message.size());
  const std::vector<absl::string_view> parts = absl::StrSplit(all, "; ");
  const std::vector<absl::string_view> head = absl::StrSplit(parts[0], absl::MaxSplits(": ", 2));
  if (head.size() != 3 || (head[0] != "kasan" && head[0] != "ubsan")) return std::nullopt;

  SanitizerReport report{.tool = std::string(head[0]), .kind = std::string(head[1])};
  report.text = std::string(parts[0]);
  report.place = report.kind;
  const KernelSymbols symbols(kernel);
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::vector<absl::string_view> words = absl::StrSplit(parts[i], ' ');
    if (words[0] == "at") {
      std::vector<std::string> names = Names(words, 1, symbols);
      absl::StrAppend(&report.text, "\n  in ", absl::StrJoin(names, " < "));
      while (names.size() > 1 && IsPrimitive(names.front())) names.erase(names.begin());
      if (!names.empty()) absl::StrAppend(&report.place, " in ", names.front());
    } else if ((words[0] == "allocated" || words[0] == "freed") && words.size() > 1) {
      absl::StrAppend(&report.text, "\n  ", words[0], " by pid ", words[1], " in ",
                      absl::StrJoin(Names(words, 2, symbols), " < "));
    } else {
      absl::StrAppend(&report.text, "; ", parts[i]);
    }
  }
  return report;
}

}  // namespace fv::inspect
