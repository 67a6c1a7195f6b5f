// SPDX-License-Identifier: Apache-2.0
//
// The key stream with a 64-bit block counter, drawn from a block at a time.

#include "guest/task/random.h"

#include "guest/lib/mutants.h"
#include "guest/lib/string.h"

namespace fv::guest {
namespace {

constinit uint32_t g_state[16] = {};
constinit uint8_t g_block[64] = {};
constinit size_t g_used = sizeof(g_block);

constexpr uint32_t Rotate(uint32_t value, unsigned bits) {
  return value << bits | value >> (32 - bits);
}

void QuarterRound(uint32_t& a, uint32_t& b, uint32_t& c, uint32_t& d) {
  a += b;
  d = Rotate(d ^ a, 16);
  c += d;
  b = Rotate(b ^ c, 12);
  a += b;
  d = Rotate(d ^ a, 8);
  c += d;
  b = Rotate(b ^ c, 7);
}

}  // namespace

void ChachaBlock(const uint32_t state[16], uint8_t out[64]) {
  uint32_t x[16];
  memcpy(x, state, sizeof(x));
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 4; ++i) {
      QuarterRound(x[i], x[4 + i], x[8 + i], x[12 + i]);
    }
    for (int i = 0; i < 4; ++i) {
      QuarterRound(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
    }
  }
  for (int i = 0; i < 16; ++i) {
    x[i] += state[i];
  }
  memcpy(out, x, sizeof(x));
}

void InitRandom(uint64_t seed) {
  constexpr uint32_t kConstants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  memset(g_state, 0, sizeof(g_state));  // block counter and nonce too
  memcpy(g_state, kConstants, sizeof(kConstants));
  for (int i = 0; i < 8; i += 2) {
    g_state[4 + i] = static_cast<uint32_t>(seed);
    g_state[5 + i] = static_cast<uint32_t>(seed >> 32);
  }
  g_used = sizeof(g_block);
}

void FillRandom(void* to, size_t bytes) {
  auto* out = static_cast<uint8_t*>(to);
  while (bytes > 0) {
    if (g_used == sizeof(g_block)) {
      ChachaBlock(g_state, g_block);
      if (++g_state[12] == 0) {
        ++g_state[13];
      }
      g_used = 0;
    }
    const size_t end = sizeof(g_block) + (HasMutant(Mutant::kRandomOverread) ? 1 : 0);
    const size_t left = end - g_used;
    const size_t piece = bytes < left ? bytes : left;
    memcpy(out, g_block + g_used, piece);
    g_used += piece;
    out += piece;
    bytes -= piece;
  }
}

}  // namespace fv::guest
