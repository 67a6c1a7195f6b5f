// SPDX-License-Identifier: Apache-2.0
//
// forkvisor bench --from=FILE: what a snapshot costs its users.
#pragma once

namespace fv::cli {

// Measures as the flags say and writes the result out. Exit code. Throws vmm::VmmError.
int BenchSnapshot();

}  // namespace fv::cli
