// SPDX-License-Identifier: Apache-2.0
#include "src/oracle/testing/full_check.h"

#include "src/inspect/snapshot_reader.h"
#include "src/oracle/full_checker.h"

namespace fv::oracle::testing {

std::vector<Finding> FullCheckTest::Check() {
  inspect::SnapshotReader reader(g().memory(), g().channel());
  inspect::Snapshot snapshot;
  EXPECT_TRUE(reader.ReadInto(snapshot).ok());
  Findings findings;
  FullChecker checker(g().memory());
  checker.Check(snapshot, findings);
  walked_ = checker.walked_ptes();
  return findings.list();
}

std::string FullCheckTest::Names(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) text += FindingText(finding, {}) + "\n";
  return text;
}

Finding FullCheckTest::Expect(Rule rule) {
  const std::vector<Finding> findings = Check();
  for (const Finding& finding : findings) {
    if (finding.rule == rule) return finding;
  }
  ADD_FAILURE() << RuleName(rule) << " was not found, but\n" << Names(findings);
  return {};
}

}  // namespace fv::oracle::testing
