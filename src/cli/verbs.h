// SPDX-License-Identifier: Apache-2.0
//
// The verbs of the command: one file each. A verb gets the words behind its name and returns the
// exit code of the process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace fv::cli {

using Words = std::vector<std::string>;

int RunVerb(const Words& args);
int CheckVerb(const Words& args);
// The flags ask for check --mutants, which takes no program.
bool WantsMutants(const Words& args);
int CheckMutantsVerb(Words args);
int BenchVerb(const Words& args);
int CompareVerb(const Words& args);
int DiffVerb(const Words& args);
int InspectVerb(const Words& args);
int SnapshotVerb(const Words& args);
int FuzzVerb(const Words& args);
int ReplayVerb(const Words& args);
int CoverageVerb(const Words& args);
int ViewVerb(const Words& args);
int KernelVerb(const Words& args);
int HelpVerb(const Words& args);
int VersionVerb(const Words& args);

// "forkvisor: MESSAGE" on standard error.
void Complain(std::string_view message);
void Complain(const absl::Status& status);
// The message, where help is to be had, and kExitUsage.
int UsageError(std::string_view verb, std::string_view message);
int UsageError(std::string_view verb, const absl::Status& status);
// Says what is wrong and returns kExitUsage.
int StatusError(const absl::Status& status);
// Prints the help text of a verb on standard output; kExitOk.
int ShowHelp(std::string_view verb);

}  // namespace fv::cli
