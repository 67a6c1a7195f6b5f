// SPDX-License-Identifier: Apache-2.0
#include "src/lab/matrix.h"

#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/layout.h"

namespace fv::lab {
namespace {

constexpr char kAxes[] = "size, strategy, touch, vmas, depth, dirty";

absl::Status Bad(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("--vary: ", what));
}

// Numbers from `low` to `high`.
absl::Status ParseNumbers(const std::vector<std::string>& texts, uint64_t low, uint64_t high,
                          std::vector<uint64_t>& numbers) {
  numbers.clear();
  for (const std::string& text : texts) {
    uint64_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < low || number > high) {
      return Bad(absl::StrCat("\"", text, "\" is no number from ", low, " to ", high));
    }
    numbers.push_back(number);
  }
  return absl::OkStatus();
}

absl::Status ParseSizes(const std::vector<std::string>& texts, SizeParser parse_size,
                        std::vector<uint64_t>& sizes) {
  sizes.clear();
  for (const std::string& text : texts) {
    const absl::StatusOr<uint64_t> bytes = parse_size("vary", text);
    if (!bytes.ok()) return bytes.status();
    if (*bytes % proto::kPageBytes != 0) return Bad(absl::StrCat(text, " is not whole pages"));
    sizes.push_back(*bytes);
  }
  return absl::OkStatus();
}

absl::Status ParseTouches(const std::vector<std::string>& texts,
                          std::vector<bench::Touch>& touches) {
  touches.clear();
  for (const std::string& text : texts) {
    const size_t before = touches.size();
    for (bench::Touch touch : {bench::Touch::kWrite, bench::Touch::kRead, bench::Touch::kNone}) {
      if (text == bench::TouchName(touch)) touches.push_back(touch);
    }
    if (touches.size() == before) {
      return Bad(absl::StrCat("touch:", text, ": choose write, read or none"));
    }
  }
  return absl::OkStatus();
}

absl::Status SetAxis(const std::string& axis, const std::vector<std::string>& values,
                     SizeParser parse_size, Matrix& matrix) {
  if (axis == "size") return ParseSizes(values, parse_size, matrix.sizes);
  if (axis == "touch") return ParseTouches(values, matrix.touches);
  if (axis == "vmas") return ParseNumbers(values, 1, kMaxVmas, matrix.vmas);
  if (axis == "depth") return ParseNumbers(values, 0, kMaxDepth, matrix.depths);
  if (axis == "dirty") return ParseNumbers(values, 0, 100, matrix.dirty);
  matrix.strategies = values;
  return absl::OkStatus();
}

bool UseDefaults(const std::string& axis, const Matrix& defaults, Matrix& matrix) {
  if (axis == "size")
    matrix.sizes = defaults.sizes;
  else if (axis == "strategy")
    matrix.strategies = defaults.strategies;
  else if (axis == "touch")
    matrix.touches = defaults.touches;
  else if (axis == "vmas")
    matrix.vmas = defaults.vmas;
  else if (axis == "depth")
    matrix.depths = defaults.depths;
  else if (axis == "dirty")
    matrix.dirty = defaults.dirty;
  else
    return false;
  return true;
}

// A mapping has a page at least.
absl::Status CheckShape(const Matrix& matrix) {
  const uint64_t most = *std::max_element(matrix.vmas.begin(), matrix.vmas.end());
  for (uint64_t size : matrix.sizes) {
    if (size > 0 && size / proto::kPageBytes < most) {
      return Bad(absl::StrCat(size, " bytes cannot be spread over ", most, " mappings"));
    }
  }
  return absl::OkStatus();
}

// A huge page is 2 MiB: what maps less has none.
std::vector<std::string> SystemsFor(const Matrix& matrix, uint64_t size) {
  constexpr uint64_t kHugePage = uint64_t{2} << 20;
  std::vector<std::string> systems = matrix.strategies;
  if (matrix.native) systems.push_back(kNative);
  if (matrix.native && size >= kHugePage) systems.push_back(kNativeHuge);
  return systems;
}

}  // namespace

std::vector<Cell> Matrix::Cells() const {
  std::vector<Cell> cells;
  for (uint64_t size : sizes) {
    for (bench::Touch how : touches) {
      for (uint64_t mappings : vmas) {
        for (uint64_t ancestors : depths) {
          for (uint64_t percent : dirty) {
            for (const std::string& system : SystemsFor(*this, size)) {
              cells.push_back({system, size, how, mappings, ancestors, percent});
            }
          }
        }
      }
    }
  }
  return cells;
}

absl::StatusOr<Matrix> ParseVary(std::string_view text, const AxisDefaults& defaults,
                                 SizeParser parse_size) {
  Matrix matrix = defaults.fixed;
  std::set<std::string> seen;
  const absl::string_view all(text.data(), text.size());
  const std::vector<std::string> words = absl::StrSplit(all, ',', absl::SkipEmpty());
  for (const std::string& word : words) {
    const size_t colon = word.find(':');
    const std::string axis = word.substr(0, colon);
    if (!UseDefaults(axis, defaults.varied, matrix)) {
      return Bad(absl::StrCat("no axis \"", axis, "\": there are ", kAxes));
    }
    if (!seen.insert(axis).second) return Bad(absl::StrCat(axis, " is there twice"));
    if (colon == std::string::npos) continue;
    const std::vector<std::string> values = absl::StrSplit(word.substr(colon + 1), '+');
    if (std::set<std::string>(values.begin(), values.end()).size() != values.size()) {
      return Bad(absl::StrCat(axis, " has a value twice"));
    }
    absl::Status status = SetAxis(axis, values, parse_size, matrix);
    if (!status.ok()) return status;
  }
  absl::Status status = CheckShape(matrix);
  if (!status.ok()) return status;
  return matrix;
}

}  // namespace fv::lab
