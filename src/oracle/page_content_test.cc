// SPDX-License-Identifier: Apache-2.0
//
// The hash sees every word, its place and each bit of it; the counts count.
#include "src/oracle/page_content.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <utility>

#include "proto/layout.h"

namespace fv::oracle {
namespace {

constexpr unsigned kWords = proto::kPageBytes / 8;
using Page = std::array<uint64_t, kWords>;

Page RandomPage(unsigned seed) {
  std::mt19937_64 random(seed);
  Page page;
  for (uint64_t& word : page) word = random();
  return page;
}

TEST(HashOfPage, IsAFunctionOfTheBytesAndNeverZero) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    const Page page = RandomPage(seed);
    const Page copy = page;
    EXPECT_EQ(HashOfPage(page.data()), HashOfPage(copy.data()));
    EXPECT_NE(HashOfPage(page.data()), 0u);
  }
  EXPECT_NE(HashOfPage(Page{}.data()), 0u);
}

// Every bit of every word, in a page of zeros and in one of noise: all hashes differ.
TEST(HashOfPage, SeesEveryBit) {
  for (Page page : {Page{}, RandomPage(1)}) {
    std::set<uint64_t> seen = {HashOfPage(page.data())};
    for (unsigned bit = 0; bit < 64 * kWords; ++bit) {
      page[bit / 64] ^= uint64_t{1} << (bit % 64);
      EXPECT_TRUE(seen.insert(HashOfPage(page.data())).second) << "bit " << bit;
      page[bit / 64] ^= uint64_t{1} << (bit % 64);
    }
  }
}

TEST(HashOfPage, SeesThePlaceOfAWord) {
  Page page = RandomPage(2);
  const uint64_t hash = HashOfPage(page.data());
  for (unsigned i = 1; i < kWords; ++i) {
    std::swap(page[0], page[i]);
    EXPECT_NE(HashOfPage(page.data()), hash) << i;
    std::swap(page[0], page[i]);
  }
}

// One word that counts up, as memory of a program often differs.
TEST(HashOfPage, SeesSmallNumbers) {
  Page page{};
  std::set<uint64_t> seen;
  for (uint64_t value = 0; value < 10'000; ++value) {
    page[7] = value;
    EXPECT_TRUE(seen.insert(HashOfPage(page.data())).second) << value;
  }
}

TEST(PageWords, AreCounted) {
  const Page a = RandomPage(3);
  Page b = a;
  EXPECT_EQ(CountDifferentWords(a.data(), b.data()), 0u);
  b[0] ^= 1;
  b[kWords - 1] ^= uint64_t{1} << 63;
  EXPECT_EQ(CountDifferentWords(a.data(), b.data()), 2u);
  Page zeros{};
  EXPECT_EQ(CountNonZeroWords(zeros.data()), 0u);
  EXPECT_EQ(CountNonZeroWords(a.data()), kWords);
  zeros[kWords - 1] = 5;
  EXPECT_EQ(CountNonZeroWords(zeros.data()), 1u);
}

}  // namespace
}  // namespace fv::oracle
