// SPDX-License-Identifier: Apache-2.0
#include "src/lab/matrix.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/layout.h"

namespace fv::lab {
namespace {

absl::Status Bad(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("--vary: ", what));
}

using Texts = std::vector<std::string>;

absl::Status SetSizes(const Texts& texts, SizeParser parse_size, Matrix& matrix) {
  matrix.sizes.clear();
  for (const std::string& text : texts) {
    const absl::StatusOr<uint64_t> bytes = parse_size("vary", text);
    if (!bytes.ok()) return bytes.status();
    if (*bytes % proto::kPageBytes != 0) return Bad(absl::StrCat(text, " is not whole pages"));
    matrix.sizes.push_back(*bytes);
  }
  return absl::OkStatus();
}

absl::Status SetStrategies(const Texts& texts, SizeParser, Matrix& matrix) {
  matrix.strategies = texts;
  return absl::OkStatus();
}

absl::Status SetTouches(const Texts& texts, SizeParser, Matrix& matrix) {
  matrix.touches.clear();
  for (const std::string& text : texts) {
    const std::optional<bench::Touch> touch = bench::TouchNamed(text);
    if (!touch) return Bad(absl::StrCat("touch:", text, ": choose write, read or none"));
    matrix.touches.push_back(*touch);
  }
  return absl::OkStatus();
}

template <auto kNumbers, uint64_t kLow, uint64_t kHigh>
absl::Status SetNumbers(const Texts& texts, SizeParser, Matrix& matrix) {
  (matrix.*kNumbers).clear();
  for (const std::string& text : texts) {
    uint64_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < kLow || number > kHigh) {
      return Bad(absl::StrCat("\"", text, "\" is no number from ", kLow, " to ", kHigh));
    }
    (matrix.*kNumbers).push_back(number);
  }
  return absl::OkStatus();
}

template <auto kValues>
void Copy(const Matrix& from, Matrix& to) {
  to.*kValues = from.*kValues;
}

// What --vary knows of an axis: how values are read, and which they are if there are none.
struct VaryAxis {
  std::string_view name;
  absl::Status (*set)(const Texts& texts, SizeParser parse_size, Matrix& matrix);
  void (*copy)(const Matrix& from, Matrix& to);
};
constexpr VaryAxis kVaryAxes[] = {
    {"size", &SetSizes, &Copy<&Matrix::sizes>},
    {"strategy", &SetStrategies, &Copy<&Matrix::strategies>},
    {"touch", &SetTouches, &Copy<&Matrix::touches>},
    {"vmas", &SetNumbers<&Matrix::vmas, 1, kMaxVmas>, &Copy<&Matrix::vmas>},
    {"depth", &SetNumbers<&Matrix::depths, 0, kMaxDepth>, &Copy<&Matrix::depths>},
    {"dirty", &SetNumbers<&Matrix::dirty, 0, 100>, &Copy<&Matrix::dirty>},
};

absl::StatusOr<const VaryAxis*> FindAxis(const std::string& name) {
  std::string names;
  for (const VaryAxis& axis : kVaryAxes) {
    if (axis.name == name) return &axis;
    absl::StrAppend(&names, names.empty() ? "" : ", ", std::string(axis.name));
  }
  return Bad(absl::StrCat("no axis \"", name, "\": there are ", names));
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
    const std::string name = word.substr(0, colon);
    const absl::StatusOr<const VaryAxis*> axis = FindAxis(name);
    if (!axis.ok()) return axis.status();
    if (!seen.insert(name).second) return Bad(absl::StrCat(name, " is there twice"));
    if (colon == std::string::npos) {
      (*axis)->copy(defaults.varied, matrix);
      continue;
    }
    const Texts values = absl::StrSplit(word.substr(colon + 1), '+');
    if (std::set<std::string>(values.begin(), values.end()).size() != values.size()) {
      return Bad(absl::StrCat(name, " has a value twice"));
    }
    absl::Status status = (*axis)->set(values, parse_size, matrix);
    if (!status.ok()) return status;
  }
  absl::Status status = CheckShape(matrix);
  if (!status.ok()) return status;
  return matrix;
}

}  // namespace fv::lab
