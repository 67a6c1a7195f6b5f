// SPDX-License-Identifier: Apache-2.0
//
// Random bytes for getrandom(2), AT_RANDOM and /dev/urandom: ChaCha20 (RFC 8439) keyed from
// BootInfo::random_seed, so that a run with the same seed draws the same bytes. Not for secrets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fv::guest {

void InitRandom(uint64_t seed);
void FillRandom(void* to, size_t bytes);

// One block of the ChaCha20 function: state of 16 words to 64 bytes. Pure; tested with RFC 8439's
// vector.
void ChachaBlock(const uint32_t state[16], uint8_t out[64]);

}  // namespace fv::guest
