// SPDX-License-Identifier: Apache-2.0
//
// Format against the C library's snprintf.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "guest/lib/print.h"

namespace fv::guest {
namespace {

template <typename... Args>
void ExpectLikeSnprintf(const char* format, Args... args) {
  char ours[128];
  char theirs[128];
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-security"
#pragma clang diagnostic ignored "-Wformat-nonliteral"
  const size_t length = Format(ours, sizeof ours, format, args...);
  const int expected = std::snprintf(theirs, sizeof theirs, format, args...);
#pragma clang diagnostic pop
  EXPECT_STREQ(ours, theirs) << format;
  EXPECT_EQ(length, static_cast<size_t>(expected)) << format;
}

TEST(FormatTest, AgreesWithTheCLibrary) {
  ExpectLikeSnprintf("%d|%5d|%-5d|%05d", 7, 42, 42, -42);
  ExpectLikeSnprintf("%d %ld", INT32_MIN, INT64_MIN);
  ExpectLikeSnprintf("%u %x %lx %08x %016lx", 4000000000u, 0xbeefu, ~uint64_t{0}, 0x1fu,
                     uint64_t{0x7000} << 32);
  ExpectLikeSnprintf("%s|%10s|%-10s|%.2s|%.*s", "abc", "abc", "abc", "abc", 1, "abc");
  ExpectLikeSnprintf("%c%%%o", 'x', 0755u);
  ExpectLikeSnprintf("%zu", size_t{12});
}

TEST(FormatTest, TruncatesAndReturnsTheWholeLength) {
  char out[4];
  EXPECT_EQ(Format(out, sizeof out, "%s", "abcdef"), 6u);
  EXPECT_STREQ(out, "abc");
  EXPECT_EQ(Format(nullptr, 0, "%d", 12345), 5u);
}

TEST(FormatTest, NullTextAndDanglingPercent) {
  char out[16];
  const char* nothing = nullptr;
  Format(out, sizeof out, "%s", nothing);
  EXPECT_STREQ(out, "(null)");
}

}  // namespace
}  // namespace fv::guest
