// SPDX-License-Identifier: Apache-2.0
//
// What the compiler expects of a C++ runtime when there is none.

#include "guest/lib/print.h"

extern "C" {
// In the vtable of an abstract class: reached only by a call during construction.
void __cxa_pure_virtual() { fv::guest::Panic("pure virtual function called"); }
}
