// SPDX-License-Identifier: Apache-2.0
//
// The list, and what counts as caught.
#include "src/mutants/mutants.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace fv::mutants {
namespace {

constexpr ProbeInfo kProbes[] = {
#define FV_X(name, program, argument, strategy) {program, argument, strategy},
    FV_MUTANT_PROBES(FV_X)
#undef FV_X
};

constexpr MutantInfo kMutants[] = {
#define FV_X(number, name, text, invariant, probe, bug) \
  {number, text, invariant, proto::MutantProbe::k##probe, bug},
    FV_MUTANT_LIST(FV_X)
#undef FV_X
};

}  // namespace

std::span<const MutantInfo> AllMutants() { return kMutants; }
std::span<const ProbeInfo> AllProbes() { return kProbes; }

absl::StatusOr<std::vector<MutantInfo>> ChooseMutants(std::string_view names) {
  if (names.empty()) return std::vector<MutantInfo>(std::begin(kMutants), std::end(kMutants));
  std::vector<MutantInfo> chosen;
  const std::vector<std::string> words = absl::StrSplit(std::string(names), ',');
  for (const std::string& name : words) {
    const auto* found = std::find_if(std::begin(kMutants), std::end(kMutants),
                                     [&name](const MutantInfo& at) { return at.name == name; });
    if (found == std::end(kMutants)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--mutants: no mutant \"", name, "\"; docs/invariants.md lists them"));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

bool Row::Good() const {
  if (mutant.number == 0) return outcome.broken == 0 && outcome.failure.empty();
  return (outcome.broken >> mutant.invariant & 1) != 0;
}

bool Grade::Good() const {
  const auto good = [](const Row& row) { return row.Good(); };
  return std::all_of(mutants.begin(), mutants.end(), good) &&
         std::all_of(clean.begin(), clean.end(), good);
}

}  // namespace fv::mutants
