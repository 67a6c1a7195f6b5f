// SPDX-License-Identifier: Apache-2.0
//
// Physical frames at two moments.
#pragma once

#include "src/query/listing.h"
#include "src/query/moment.h"

namespace fv::query {

// Frames whose state or number of references changed, and those whose bytes did; neighbours with
// the same change as one row. Both moments have RAM of the same size.
Listing FrameChanges(const Moment& before, const Moment& after);

}  // namespace fv::query
