// SPDX-License-Identifier: Apache-2.0
//
// Eight bytes at a time, by eight tables: table k advances a byte's remainder by k further bytes.
#include "src/recording/crc32c.h"

#include <array>
#include <cstring>

namespace fv::recording {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // bits reversed
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ ((rest & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = rest;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t rest = tables[k - 1][byte];
      tables[k][byte] = rest >> 8 ^ tables[0][rest & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

uint32_t Crc32c(std::span<const uint8_t> bytes, uint32_t before) {
  uint32_t rest = ~before;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof(word));
    word ^= rest;
    rest = 0;
    for (unsigned i = 0; i < 8; ++i) rest ^= kTables[7 - i][word >> (8 * i) & 0xFF];
  }
  for (const uint8_t byte : bytes) rest = rest >> 8 ^ kTables[0][(rest ^ byte) & 0xFF];
  return ~rest;
}

}  // namespace fv::recording
