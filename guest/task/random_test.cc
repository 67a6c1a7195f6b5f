// SPDX-License-Identifier: Apache-2.0
#include "guest/task/random.h"

#include <gtest/gtest.h>

#include <cstring>

namespace fv::guest {
namespace {

// RFC 8439, 2.3.2.
TEST(Chacha, BlockOfTheRfc) {
  const uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
                              0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
                              0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c,
                              0x00000001, 0x09000000, 0x4a000000, 0x00000000};
  const uint8_t expected[16] = {0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
                                0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4};
  uint8_t out[64];
  ChachaBlock(state, out);
  EXPECT_EQ(memcmp(out, expected, sizeof(expected)), 0);
}

TEST(Random, SameSeedSameBytesWhateverThePieces) {
  uint8_t whole[300];
  uint8_t pieces[300];
  InitRandom(99);
  FillRandom(whole, sizeof(whole));
  InitRandom(99);
  for (size_t at = 0; at < sizeof(pieces); at += 30) {
    FillRandom(pieces + at, 30);
  }
  EXPECT_EQ(memcmp(whole, pieces, sizeof(whole)), 0);
  InitRandom(100);
  FillRandom(pieces, sizeof(pieces));
  EXPECT_NE(memcmp(whole, pieces, sizeof(whole)), 0);
}

}  // namespace
}  // namespace fv::guest
