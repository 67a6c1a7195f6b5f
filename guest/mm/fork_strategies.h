// SPDX-License-Identifier: Apache-2.0
//
// The strategies that this kernel has; each in a file of its own, found by FindForkStrategy.
#pragma once

#include "guest/mm/fork.h"

namespace fv::guest {

// Copies the page-table entries (Linux: copy_page_range).
const ForkStrategy& ClassicForkStrategy();

}  // namespace fv::guest
