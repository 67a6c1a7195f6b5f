// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "src/diff/format.h"

namespace fv::diff {
namespace {

using Json = nlohmann::ordered_json;

Json OutcomeJson(const Outcome& outcome) {
  return {{"end", EndText(outcome)},
          {"timed_out", outcome.timed_out},
          {"wait_status", outcome.wait_status},
          {"stdout_bytes", outcome.out.total},
          {"stderr_bytes", outcome.err.total}};
}

Json CallJson(const CallDifference& difference) {
  Json rows = Json::array();
  for (const CallRow& row : difference.rows) {
    rows.push_back(
        {{"verdict", VerdictName(row.verdict)}, {"native", row.native}, {"guest", row.guest}});
  }
  return {{"task", difference.task},
          {"native_pid", difference.native_pid},
          {"guest_pid", difference.guest_pid},
          {"call", difference.call},
          {"verdict", VerdictName(difference.verdict)},
          {"rows", rows}};
}

}  // namespace

std::string FormatJson(const DiffResult& result) {
  Json json = {{"equal", result.Equal()},
               {"native", OutcomeJson(result.native)},
               {"guest", OutcomeJson(result.guest)},
               {"notes", result.notes},
               {"differences", Json::array()},
               {"tasks_compared", result.calls.tasks},
               {"calls_compared", result.calls.calls},
               {"calls_skipped", result.calls.skipped},
               {"call_differences", Json::array()},
               {"more", result.calls.more}};
  for (const OutcomeDifference& difference : result.outcome_differences) {
    json["differences"].push_back(
        {{"what", difference.what}, {"native", difference.native}, {"guest", difference.guest}});
  }
  for (const CallDifference& difference : result.calls.differences) {
    json["call_differences"].push_back(CallJson(difference));
  }
  return json.dump(2, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
}

}  // namespace fv::diff
