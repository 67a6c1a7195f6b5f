// SPDX-License-Identifier: Apache-2.0
//
// The hash is NH (Black et al., UMAC, 1999): the sum of products of the halves of each word, each
// half plus a key of its place. Whatever one word is changed to, the chance that its product stays
// is 2^-32. It is not cryptographic: it has to notice bugs, not forgers. No product waits for
// another, so a page costs about what reading it costs, with the vectors that every x86-64 CPU has
// and twice as fast with AVX2.
#include "src/oracle/page_content.h"

#include <array>
#include <cstring>

#include "proto/layout.h"

namespace fv::oracle {

namespace {

constexpr uint64_t kPrime = 0x9E3779B97F4A7C15;
constexpr unsigned kWords = proto::kPageBytes / 8;

// Four words, and the same bytes as eight halves. May alias whatever the page holds; a page of
// guest memory starts at a page's boundary, one of a test at a word's.
using Words = uint64_t __attribute__((vector_size(32), may_alias, aligned(8)));
using Halves = uint32_t __attribute__((vector_size(32), may_alias, aligned(8)));
constexpr unsigned kLanes = 4;  // sums of four words each
constexpr unsigned kSteps = kWords / 4;

constexpr std::array<uint64_t, kWords> MakeKeys() {
  std::array<uint64_t, kWords> keys{};
  uint64_t state = kPrime;
  for (uint64_t& key : keys) {
    state = (state ^ (state >> 29)) * kPrime + 1;
    key = state ^ (state >> 32);
  }
  return keys;
}
alignas(64) constexpr std::array<uint64_t, kWords> kKeys = MakeKeys();

// Inlined into callers that may use wider registers than this file's default.
[[gnu::always_inline]] inline uint64_t Hash(const uint64_t* words) {
  constexpr uint64_t kLow = 0xffff'ffff;
  const auto* page = reinterpret_cast<const Halves*>(words);
  const auto* keys = reinterpret_cast<const Halves*>(kKeys.data());
  Words sums[kLanes] = {};
  for (unsigned i = 0; i < kSteps; i += kLanes) {
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      const auto keyed = reinterpret_cast<Words>(page[i + lane] + keys[i + lane]);
      sums[lane] += (keyed & kLow) * (keyed >> 32);
    }
  }
  uint64_t hash = 1;
  for (const Words& lane : sums) {
    for (unsigned i = 0; i < 4; ++i) {
      hash = (hash ^ lane[i]) * kPrime;
      hash ^= hash >> 29;
    }
  }
  return hash | 1;  // 0 means none
}

[[gnu::target("avx2")]] uint64_t HashWide(const uint64_t* words) { return Hash(words); }
uint64_t HashPlain(const uint64_t* words) { return Hash(words); }

}  // namespace

uint64_t HashOfPage(const uint64_t* words) {
  static const bool kWide = __builtin_cpu_supports("avx2") != 0;
  return kWide ? HashWide(words) : HashPlain(words);
}

unsigned CountDifferentWords(const uint64_t* a, const uint64_t* b) {
  if (std::memcmp(a, b, proto::kPageBytes) == 0) {
    return 0;
  }
  unsigned different = 0;
  for (unsigned i = 0; i < kWords; ++i) {
    different += a[i] != b[i];
  }
  return different;
}

unsigned CountNonZeroWords(const uint64_t* words) {
  static constexpr std::array<uint64_t, kWords> kZeros{};
  return CountDifferentWords(words, kZeros.data());
}

}  // namespace fv::oracle
