// SPDX-License-Identifier: Apache-2.0
//
// A campaign's directory: corpus/ (one program a file, as src/fuzz/encoding.h has them) and
// findings/ (one .textproto a finding, with what was found as comments, named by its key). What is
// written here is complete or not there; libFuzzer writes a campaign's corpus itself, and where a
// disk was full leaves shorter programs. Several processes may use one directory.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/fuzz/judge.h"
#include "src/fuzz/program.h"

namespace fv::fuzz {

class Store {
 public:
  // Makes what is missing of the directory. `origin` stands in each finding that is saved: which
  // build, with which flags.
  static absl::StatusOr<Store> Open(const std::string& directory, const std::string& origin = "");

  const std::string& corpus() const { return corpus_; }
  const std::string& findings() const { return findings_; }

  // The file of a finding, whether it is there or not.
  std::string PathOf(const Finding& finding) const;
  bool Has(const Finding& finding) const;
  absl::Status Save(const Finding& finding, const Program& program) const;

 private:
  std::string corpus_;
  std::string findings_;
  std::string origin_;
};

// A file's name for these bytes: the same on every machine.
std::string NameOf(std::string_view bytes);

}  // namespace fv::fuzz
