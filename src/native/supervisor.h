// SPDX-License-Identifier: Apache-2.0
//
// The processes between the caller and the program: what runs in them after the fork.
#pragma once

#include "src/native/native.h"

namespace fv::native {

// What the helper has in its hands, moved from the caller.
struct HelperDescriptors {
  int in;
  int out;
  int err;
  int control;
};

// The body of the forked helper: makes the namespaces, the supervisor and the program, which
// waits for kGoOn before its exec. Everything ends when the program does, or when the caller's end
// of `control` closes. Returns the exit code for _exit.
int RunHelper(const NativeOptions& options, const HelperDescriptors& descriptors);

}  // namespace fv::native
