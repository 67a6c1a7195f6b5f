// SPDX-License-Identifier: Apache-2.0
//
// From the guest's event records to the model. Any 64 bytes are an event that is followed or is a
// contradiction.
#pragma once

#include <cstdint>

#include "proto/events.h"
#include "src/model/world.h"

namespace fv::model {

// The kinds that Follow understands: a world that misses one of them goes astray.
uint64_t RequiredEvents();
// In the order of their sequence, from the guest's first on.
void Follow(const proto::EventRecord& event, World& world);

}  // namespace fv::model
