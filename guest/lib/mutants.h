// SPDX-License-Identifier: Apache-2.0
//
// `if (HasMutant(Mutant::kX))` marks the place of a bug that the oracle is tested with
// (proto/mutants.h). Without FV_MUTANTS the condition is the constant false and nothing is left of
// it; a kernel that users get is built that way.
#pragma once

#include "guest/lib/scope_guard.h"
#include "proto/mutants.h"

namespace fv::guest {

using proto::Mutant;

#ifdef FV_MUTANTS
inline constexpr bool kMutantsBuilt = true;
// Set once at boot from BootInfo::mutant.
inline constinit Mutant active_mutant = Mutant::kNone;
inline bool HasMutant(Mutant mutant) { return active_mutant == mutant; }
inline void SetMutant(uint32_t number) { active_mutant = static_cast<Mutant>(number); }
#else
inline constexpr bool kMutantsBuilt = false;
constexpr bool HasMutant(Mutant /*mutant*/) { return false; }
inline void SetMutant(uint32_t /*number*/) {}
#endif

// A step that a mutant forgets to undo.
template <typename F>
void ForgetIf(Mutant mutant, ScopeGuard<F>& undo) {
  if (HasMutant(mutant)) {
    undo.Dismiss();
  }
}

}  // namespace fv::guest
