// SPDX-License-Identifier: Apache-2.0
//
// The grade as a table and as JSON.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/mutants/mutants.h"

namespace fv::mutants {
namespace {

using Json = nlohmann::ordered_json;

// "I7 NoFlush"; what happened instead for a row that is not good.
std::string Catcher(const Row& row) {
  const Outcome& outcome = row.outcome;
  if (row.mutant.number == 0) {
    if (row.Good()) return "not accused";
    return outcome.broken != 0 ? "ACCUSED of " + outcome.rule : "FAILED: " + outcome.failure;
  }
  if (row.Good()) return absl::StrCat("I", row.mutant.invariant, " ", outcome.rule);
  if (outcome.broken != 0) {
    return absl::StrCat("MISSED: I", row.mutant.invariant, " held, but not ", outcome.rule);
  }
  return outcome.failure.empty() ? "MISSED" : "MISSED: " + outcome.failure;
}

std::string NameOf(const Row& row) {
  if (row.mutant.number != 0) return row.mutant.name;
  const ProbeInfo& probe = AllProbes()[static_cast<size_t>(row.mutant.probe)];
  return absl::StrCat("(none: ", probe.program, ", ", probe.strategy, ")");
}

uint64_t Caught(const Grade& grade) {
  return static_cast<uint64_t>(std::count_if(grade.mutants.begin(), grade.mutants.end(),
                                             [](const Row& row) { return row.Good(); }));
}

Json RowJson(const Row& row) {
  const ProbeInfo& probe = AllProbes()[static_cast<size_t>(row.mutant.probe)];
  Json json = {{"name", row.mutant.name},
               {"bug", row.mutant.bug},
               {"program", probe.program},
               {"strategy", probe.strategy},
               {"good", row.Good()},
               {"rule", row.outcome.rule},
               {"safepoints", row.outcome.safepoints},
               {"seconds", row.outcome.seconds}};
  if (row.mutant.number != 0) json["invariant"] = row.mutant.invariant;
  if (!row.outcome.failure.empty()) json["failure"] = row.outcome.failure;
  return json;
}

}  // namespace

std::string FormatGradeTable(const Grade& grade) {
  size_t name_width = 6;
  size_t catcher_width = 9;
  for (const auto* rows : {&grade.mutants, &grade.clean}) {
    for (const Row& row : *rows) {
      name_width = std::max(name_width, NameOf(row).size());
      catcher_width = std::max(catcher_width, Catcher(row).size());
    }
  }
  const auto line = [&](const std::string& name, const std::string& catcher,
                        const std::string& safepoints, const std::string& seconds,
                        const std::string& bug) {
    return absl::StrFormat("%-*s  %-*s  %10s  %7s  %s\n", static_cast<int>(name_width), name,
                           static_cast<int>(catcher_width), catcher, safepoints, seconds, bug);
  };
  std::string text = line("mutant", "caught by", "safepoints", "seconds", "the bug");
  for (const auto* rows : {&grade.mutants, &grade.clean}) {
    for (const Row& row : *rows) {
      absl::StrAppend(&text, line(NameOf(row), Catcher(row), absl::StrCat(row.outcome.safepoints),
                                  absl::StrFormat("%.2f", row.outcome.seconds), row.mutant.bug));
    }
  }
  const bool clean = std::all_of(grade.clean.begin(), grade.clean.end(),
                                 [](const Row& row) { return row.Good(); });
  absl::StrAppend(&text, Caught(grade), " of ", grade.mutants.size(),
                  " caught, the kernel without ",
                  clean ? "a bug is not accused\n" : "a bug is ACCUSED or FAILED\n");
  return text;
}

std::string FormatGradeJson(const Grade& grade) {
  Json json = {{"caught", Caught(grade)},
               {"of", grade.mutants.size()},
               {"good", grade.Good()},
               {"mutants", Json::array()},
               {"clean", Json::array()}};
  for (const Row& row : grade.mutants) json["mutants"].push_back(RowJson(row));
  for (const Row& row : grade.clean) json["clean"].push_back(RowJson(row));
  return json.dump(2, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
}

}  // namespace fv::mutants
