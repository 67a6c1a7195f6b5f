// SPDX-License-Identifier: Apache-2.0
//
// The oracle graded: the kernel with mutants is booted with one known bug after the other
// (proto/mutants.h), and each has to be caught by the invariant that it breaks; without a bug
// nothing may be accused.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/mutants.h"
#include "src/session/guest.h"

namespace fv::mutants {

struct ProbeInfo {
  const char* program;   // of guest/user
  const char* argument;  // "": none
  const char* strategy;
};

struct MutantInfo {
  uint32_t number;
  const char* name;
  unsigned invariant;
  proto::MutantProbe probe;
  const char* bug;
};

// In the order of proto/mutants.h.
std::span<const MutantInfo> AllMutants();
std::span<const ProbeInfo> AllProbes();  // by proto::MutantProbe
// All of them for "", else those named. InvalidArgument for an unknown name.
absl::StatusOr<std::vector<MutantInfo>> ChooseMutants(std::string_view names);

// What became of one run.
struct Outcome {
  uint32_t broken = 0;      // bit i: invariant i was found broken
  std::string rule;         // of the mutant's invariant, else the first finding's; "" without one
  uint64_t safepoints = 0;  // until the end
  double seconds = 0;
  std::string failure;  // how the run ended otherwise than by a finding or the program's success
};

struct Row {
  MutantInfo mutant;  // number 0: the kernel without a bug
  Outcome outcome;

  // Caught by the invariant that it breaks; without a bug: not accused, and the program succeeded.
  bool Good() const;
};

struct Grade {
  std::vector<Row> mutants;
  std::vector<Row> clean;  // a row a probe

  bool Good() const;
};

// A program that is embedded in this one.
struct Program {
  const char* name;
  std::span<const uint8_t> bytes;
};

struct GradeOptions {
  std::vector<MutantInfo> mutants;
  std::vector<Program> programs;  // every one that AllProbes() names
  session::GuestOptions guest;    // the kernel with mutants; program, mutant and strategy are set
  unsigned at_once = 1;           // guests that run at the same time
  std::function<void(const Row&)> progress;
};
// Each run is a process of its own. Throws std::runtime_error if the host fails one.
Grade RunGrade(const GradeOptions& options);

std::string FormatGradeTable(const Grade& grade);
std::string FormatGradeJson(const Grade& grade);

}  // namespace fv::mutants
