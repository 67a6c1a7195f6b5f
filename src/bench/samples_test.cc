// SPDX-License-Identifier: Apache-2.0
//
// The benchmark program's output: what is taken and what is refused.
#include "src/bench/samples.h"

#include <gtest/gtest.h>

namespace fv::bench {
namespace {

TEST(ParseSamples, TakesTheProgramsOutput) {
  const auto samples = ParseSamples(
      "sample null 4096 0 500\nsample null 4096 1 510\nsample fork 4096 0 90000\n"
      "tsc_khz 2450000\ndone\n");
  ASSERT_TRUE(samples.ok()) << samples.status();
  EXPECT_EQ(samples->by_mode.at("null"), (std::vector<uint64_t>{500, 510}));
  EXPECT_EQ(samples->by_mode.at("fork"), (std::vector<uint64_t>{90000}));
  EXPECT_EQ(samples->size, 4096u);
  EXPECT_EQ(samples->tsc_khz, 2450000u);
}

TEST(ParseSamples, RefusesWhatIsNotWhole) {
  for (const char* output : {
           "",                                              // nothing
           "sample fork 0 0 5\n",                           // no end
           "sample fork 0 0 5\ndon",                        // cut off
           "sample fork 0 0\ndone\n",                       // a field is missing
           "sample fork 0 0 5 6\ndone\n",                   // one too many
           "sample fork 0 0 -5\ndone\n",                    // no count
           "sample fork 0 0 0\ndone\n",                     // no time
           "sample fork 0 x 5\ndone\n",                     // no number
           "sample fork 0 1 5\ndone\n",                     // begins with the second
           "sample fork 0 0 5\nsample fork 0 0 5\ndone\n",  // twice the same
           "sample fork 0 0 5\nsample fork 1 1 5\ndone\n",  // another size
           "hello\ndone\n",                                 // not a line of it
           "done\nsample fork 0 0 5\n",                     // after the end
           "tsc_khz 0\ndone\n",                             // no frequency
       }) {
    EXPECT_TRUE(absl::IsDataLoss(ParseSamples(output).status())) << output;
  }
}

TEST(ParseSamples, NamesTheLine) {
  const auto status = ParseSamples("sample fork 0 0 5\nhello\ndone\n").status();
  EXPECT_NE(status.message().find("line 2"), absl::string_view::npos);
  EXPECT_NE(status.message().find("hello"), absl::string_view::npos);
}

TEST(Append, JoinsRuns) {
  Samples all;
  Append(all, *ParseSamples("sample fork 8192 0 5\ndone\n"));
  Append(all, *ParseSamples("sample fork 8192 0 6\nsample cow 8192 0 7\ndone\n"));
  EXPECT_EQ(all.by_mode.at("fork"), (std::vector<uint64_t>{5, 6}));
  EXPECT_EQ(all.by_mode.at("cow"), (std::vector<uint64_t>{7}));
}

}  // namespace
}  // namespace fv::bench
