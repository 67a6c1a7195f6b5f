// SPDX-License-Identifier: Apache-2.0
#include "src/view/request_check.h"

#include <gtest/gtest.h>

#include <set>

namespace fv::view {
namespace {

constexpr uint16_t kPort = 4711;
constexpr char kToken[] = "0123456789abcdef";

Request Good() {
  return {.host = "127.0.0.1:4711", .path = "/", .query = "token=0123456789abcdef"};
}
int StatusOf(const Request& request) {
  const Verdict verdict = Check(request, kPort, kToken);
  return verdict.resource ? 200 : verdict.refusal.status;
}
template <typename Change>
int After(Change change) {
  Request request = Good();
  change(request);
  return StatusOf(request);
}

TEST(RequestCheckTest, AnswersWhoKnowsTheToken) {
  EXPECT_EQ(Check(Good(), kPort, kToken).resource, Resource::kPage);
  EXPECT_EQ(After([](Request& r) { r.path = "/recording"; }), 200);
  EXPECT_EQ(After([](Request& r) { r.host = "localhost:4711"; }), 200);
  EXPECT_EQ(After([](Request& r) { r.query = "a=b&token=0123456789abcdef"; }), 200);
  EXPECT_EQ(After([](Request& r) { r.origin = "http://127.0.0.1:4711"; }), 200);
  EXPECT_EQ(After([](Request& r) { r.from_site = "same-origin"; }), 200);
  EXPECT_EQ(After([](Request& r) { r.from_site = "none"; }), 200);
}

TEST(RequestCheckTest, RefusesWithoutTheToken) {
  for (const char* query :
       {"", "token=", "token", "token=0123456789abcdee", "token=0123456789abcde",
        "token=0123456789abcdef0", "Token=0123456789abcdef"}) {
    EXPECT_EQ(After([&](Request& r) { r.query = query; }), 403) << query;
  }
}

TEST(RequestCheckTest, RefusesNamesThatOthersMayPointHere) {
  for (const char* host :
       {"", "127.0.0.1", "evil.example:4711", "127.0.0.1.evil.example:4711", "127.0.0.1:80",
        "localhost.:4711", "localhost:47110", ":4711", "127.0.0.1:4711:4711"}) {
    EXPECT_EQ(After([&](Request& r) { r.host = host; }), 403) << host;
  }
}

TEST(RequestCheckTest, RefusesOtherSites) {
  for (const char* origin : {"null", "http://evil.example", "https://127.0.0.1:4711",
                             "http://127.0.0.1:4712", "http://localhost:4711"}) {
    EXPECT_EQ(After([&](Request& r) { r.origin = origin; }), 403) << origin;
  }
  EXPECT_EQ(After([](Request& r) { r.from_site = "cross-site"; }), 403);
  EXPECT_EQ(After([](Request& r) { r.from_site = "same-site"; }), 403);
}

TEST(RequestCheckTest, HasTwoResources) {
  for (const char* path : {"", "//", "/index.html", "/recording/", "/../etc/passwd",
                           "/recording/../../etc/passwd", "/%2e%2e/etc/passwd", "/etc/passwd"}) {
    EXPECT_EQ(After([&](Request& r) { r.path = path; }), 404) << path;
  }
}

TEST(RequestCheckTest, TokensDiffer) {
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) tokens.insert(NewToken());
  EXPECT_EQ(tokens.size(), 100u);
  EXPECT_EQ(tokens.begin()->size(), 32u);
}

}  // namespace
}  // namespace fv::view
