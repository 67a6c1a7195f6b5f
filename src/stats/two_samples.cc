// SPDX-License-Identifier: Apache-2.0
#include "src/stats/two_samples.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "src/stats/normal.h"

namespace fv::stats {
namespace {

// Up to this many samples together the distribution of U is counted out.
constexpr size_t kExactSamples = 60;

// How many of the arrangements of n and m samples have each value of U, in parts of all (the
// recursion of Mann and Whitney: the largest sample belongs to one set or the other).
std::vector<double> DistributionOfU(size_t n, size_t m) {
  // rows[j] is the distribution for i and j samples.
  std::vector<std::vector<double>> rows(m + 1, std::vector<double>(n * m + 1, 0));
  for (std::vector<double>& row : rows) row[0] = 1;
  for (size_t i = 1; i <= n; ++i) {
    rows[0].assign(n * m + 1, 0);
    rows[0][0] = 1;
    for (size_t j = 1; j <= m; ++j) {
      const double share = static_cast<double>(i) / static_cast<double>(i + j);
      std::vector<double> next(n * m + 1, 0);
      for (size_t u = 0; u <= i * j; ++u) {
        const double largest_first = u >= j ? rows[j][u - j] : 0;
        next[u] = share * largest_first + (1 - share) * rows[j - 1][u];
      }
      rows[j] = std::move(next);
    }
  }
  return rows[m];
}

struct Ranked {
  double u = 0;          // pairs in which a is the larger, ties half
  double tie_cubes = 0;  // sum of t^3 - t over groups of t equal values
};

Ranked RankBoth(std::span<const double> a, std::span<const double> b) {
  std::vector<std::pair<double, bool>> all;  // value, whether of a
  all.reserve(a.size() + b.size());
  for (double value : a) all.emplace_back(value, true);
  for (double value : b) all.emplace_back(value, false);
  std::sort(all.begin(), all.end());
  Ranked ranked;
  double rank_sum = 0;
  for (size_t from = 0; from < all.size();) {
    size_t to = from;
    double of_a = 0;
    for (; to < all.size() && all[to].first == all[from].first; ++to) of_a += all[to].second;
    const auto ties = static_cast<double>(to - from);
    rank_sum += of_a * (static_cast<double>(from + to + 1) / 2);
    ranked.tie_cubes += ties * ties * ties - ties;
    from = to;
  }
  const auto n = static_cast<double>(a.size());
  ranked.u = rank_sum - n * (n + 1) / 2;
  return ranked;
}

double SpreadOfU(double n, double m, double tie_cubes) {
  const double all = n + m;
  const double ties = all > 1 ? tie_cubes / (all * (all - 1)) : 0;
  return std::sqrt(n * m / 12 * (all + 1 - ties));
}

// All pairs of two sets are formed: of more samples so many, evenly.
constexpr size_t kMostPaired = 1000;

std::vector<double> Thinned(std::span<const double> samples) {
  std::vector<double> some(kMostPaired);
  for (size_t i = 0; i < kMostPaired; ++i) some[i] = samples[i * samples.size() / kMostPaired];
  return some;
}

// The largest number of differences that may be left out at each end.
size_t DifferencesOutside(size_t n, size_t m, double confidence) {
  const double tail_limit = (1 - confidence) / 2;
  if (n + m <= kExactSamples) {
    const std::vector<double> shares = DistributionOfU(n, m);
    double tail = 0;
    size_t cut = 0;
    while (cut < shares.size() / 2 && tail + shares[cut] <= tail_limit) tail += shares[cut++];
    return cut;
  }
  const auto a = static_cast<double>(n);
  const auto b = static_cast<double>(m);
  const double cut = a * b / 2 - NormalQuantile(1 - tail_limit) * SpreadOfU(a, b, 0);
  return cut > 0 ? static_cast<size_t>(cut) : 0;
}

}  // namespace

double MannWhitneyP(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return 1;
  const Ranked ranked = RankBoth(a, b);
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  const double smaller = std::min(ranked.u, n * m - ranked.u);
  if (ranked.tie_cubes == 0 && a.size() + b.size() <= kExactSamples) {
    const std::vector<double> shares = DistributionOfU(a.size(), b.size());
    double tail = 0;
    for (size_t u = 0; u <= static_cast<size_t>(smaller); ++u) tail += shares[u];
    return std::min(1.0, 2 * tail);
  }
  const double spread = SpreadOfU(n, m, ranked.tie_cubes);
  if (spread == 0) return 1;
  const double distance = std::max(0.0, n * m / 2 - smaller - 0.5) / spread;
  return std::erfc(distance / std::sqrt(2.0));
}

Ratio HodgesLehmannRatio(std::span<const double> a, std::span<const double> b, double confidence) {
  if (a.size() > kMostPaired) return HodgesLehmannRatio(Thinned(a), b, confidence);
  if (b.size() > kMostPaired) return HodgesLehmannRatio(a, Thinned(b), confidence);
  std::vector<double> ratios;
  ratios.reserve(a.size() * b.size());
  for (double below : a) {
    for (double above : b) ratios.push_back(above / below);
  }
  std::sort(ratios.begin(), ratios.end());
  const size_t half = ratios.size() / 2;
  // Of two middle ones, the geometric mean: the ratio of a to b is then exactly the inverse.
  const double value =
      ratios.size() % 2 == 1 ? ratios[half] : std::sqrt(ratios[half - 1] * ratios[half]);
  const size_t outside = DifferencesOutside(a.size(), b.size(), confidence);
  const size_t cut = outside == 0 ? 0 : outside - 1;
  return {value, ratios[cut], ratios[ratios.size() - 1 - cut]};
}

}  // namespace fv::stats
