// SPDX-License-Identifier: Apache-2.0
//
// Parser of the benchmark program's output.
#include "src/bench/samples.h"

#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace fv::bench {
namespace {

class Parser {
 public:
  absl::Status Line(absl::string_view line) {
    ++number_;
    if (done_) return Bad(line, "comes after the end");
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words[0] == "sample" && words.size() == 5) return Sample(line, words);
    if (words[0] == "tsc_khz" && words.size() == 2) {
      return absl::SimpleAtoi(words[1], &samples_.tsc_khz) && samples_.tsc_khz > 0
                 ? absl::OkStatus()
                 : Bad(line, "has no frequency");
    }
    if (words[0] == "huge_bytes" && words.size() == 2) {
      return absl::SimpleAtoi(words[1], &samples_.huge_bytes) ? absl::OkStatus()
                                                              : Bad(line, "has no number");
    }
    if (line == "done") {
      done_ = true;
      return absl::OkStatus();
    }
    return Bad(line, "is not known");
  }

  absl::StatusOr<Samples> Finish() {
    if (!done_) return absl::DataLossError("the benchmark program's output is cut off");
    return std::move(samples_);
  }

 private:
  absl::Status Bad(absl::string_view line, absl::string_view why) const {
    return absl::DataLossError(absl::StrCat("line ", number_, " of the benchmark program's output ",
                                            why, ": \"", line.substr(0, 80), "\""));
  }

  absl::Status Sample(absl::string_view line, const std::vector<absl::string_view>& words) {
    uint64_t size = 0;
    uint64_t repetition = 0;
    uint64_t cycles = 0;
    if (words[1].empty() || !absl::SimpleAtoi(words[2], &size) ||
        !absl::SimpleAtoi(words[3], &repetition) || !absl::SimpleAtoi(words[4], &cycles)) {
      return Bad(line, "has a field that is no number");
    }
    if (cycles == 0) return Bad(line, "has no time");
    if (size_ && *size_ != size) return Bad(line, "has another size");
    size_ = samples_.size = size;
    std::vector<uint64_t>& list = samples_.by_mode[std::string(words[1])];
    if (repetition != list.size()) return Bad(line, "has a repetition out of order");
    list.push_back(cycles);
    return absl::OkStatus();
  }

  Samples samples_;
  std::optional<uint64_t> size_;
  size_t number_ = 0;
  bool done_ = false;
};

}  // namespace

absl::StatusOr<Samples> ParseSamples(std::string_view output) {
  Parser parser;
  std::vector<absl::string_view> lines =
      absl::StrSplit(absl::string_view(output.data(), output.size()), '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  for (absl::string_view line : lines) {
    absl::Status status = parser.Line(line);
    if (!status.ok()) return status;
  }
  return parser.Finish();
}

void Append(Samples& to, const Samples& from) {
  to.size = from.size;
  to.tsc_khz = from.tsc_khz;
  for (const auto& [mode, cycles] : from.by_mode) {
    std::vector<uint64_t>& list = to.by_mode[mode];
    list.insert(list.end(), cycles.begin(), cycles.end());
  }
}

}  // namespace fv::bench
