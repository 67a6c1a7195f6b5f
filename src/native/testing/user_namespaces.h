// SPDX-License-Identifier: Apache-2.0
//
// As whom tests run programs natively: in a user namespace where there are any, else, in a chroot
// for example, as whoever runs the tests.
#pragma once

#include "src/native/native.h"

namespace fv::native::testing {

bool UserNamespacesExist();

// For NativeOptions::user.
inline NativeOptions::User UserForTests() {
  return UserNamespacesExist() ? NativeOptions::User::kNamespace : NativeOptions::User::kCaller;
}

}  // namespace fv::native::testing
