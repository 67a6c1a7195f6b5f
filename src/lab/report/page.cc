// SPDX-License-Identifier: Apache-2.0
#include "src/lab/report/page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/lab/axes.h"
#include "src/lab/report/document.h"
#include "src/lab/report/figures.h"

namespace fv::lab::report {
namespace {

std::string Machine(const bench::Context& context) {
  return absl::StrFormat("%s, %d CPUs, Linux %s, KVM %s, guest kernel in ring %s", context.cpu,
                         context.cpus, context.kernel, context.kvm_backend, context.kernel_ring);
}

void WriteHead(const LabResults& results, Markup& page) {
  const bench::Context& context = results.context;
  page.Open("header").Leaf("h1", {}, "Fork, measured");
  page.Leaf("p", {}, Machine(context));
  page.Open("p").Leaf("code", {}, results.command).Close();
  page.Leaf("p", {},
            absl::StrFormat("%s, commit %s. %d cells, %.0f s, ended: %s. %s", context.date,
                            context.commit, results.cells.size(), results.seconds,
                            EndedName(results.ended),
                            absl::StrCat("All cells: ", FixedAxes(results.cells), ".")));
  page.Leaf("p", {},
            "Dots are medians. Whiskers are 95 % confidence intervals of the median from order "
            "statistics, which assume no distribution; with fewer than six samples they are the "
            "extremes. Guest and native ran interleaved on one CPU, the same program byte for "
            "byte, timed by the same counter.");
  const std::vector<std::string> warnings = NoiseWarnings(results.noise);
  if (!warnings.empty()) {
    page.Open("div", {{"class", "warning"}, {"role", "note"}});
    page.Leaf("strong", {}, "The machine was not quiet.").Open("ul");
    for (const std::string& warning : warnings) page.Leaf("li", {}, warning);
    page.Close().Close();
  }
  page.Close();
}

}  // namespace

std::string Page(const LabResults& results) {
  const std::string machine = absl::StrCat(Machine(results.context), "; ", results.command, ".");
  Markup page;
  BeginPage("Fork, measured", page);
  WriteHead(results, page);
  page.Open("main");
  WriteSection("Latency", LatencyFigures(results), machine, page);
  WriteSection("Guest against native", RatioFigures(results), machine, page);
  WriteSection("Costs", CostFigures(results), machine, page);
  WriteSection("Distributions", DistributionFigures(results), machine, page);
  WriteSection("What Linux offers", WaysFigures(results), machine, page);
  return FinishPage(page);
}

}  // namespace fv::lab::report
