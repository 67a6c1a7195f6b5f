// SPDX-License-Identifier: Apache-2.0
#include "src/lab/report/page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/lab/axes.h"
#include "src/lab/report/figures.h"
#include "src/lab/report/markup.h"
#include "src/lab/report/style.h"

namespace fv::lab::report {
namespace {

// Closed tables would be missing on paper.
constexpr char kScript[] =
    "addEventListener('beforeprint', () => document.querySelectorAll('details')"
    ".forEach(details => { details.open = true; }));";

void WriteTable(const DataTable& table, const std::string& caption, Markup& page) {
  page.Open("div", {{"class", "scroll"}}).Open("table").Leaf("caption", {}, caption);
  page.Open("thead").Open("tr");
  for (const std::string& cell : table.head) page.Leaf("th", {{"scope", "col"}}, cell);
  page.Close().Close().Open("tbody");
  for (const std::vector<std::string>& row : table.rows) {
    page.Open("tr");
    for (size_t i = 0; i < row.size(); ++i) {
      if (i == 0)
        page.Leaf("th", {{"scope", "row"}}, row[i]);
      else
        page.Leaf("td", {}, row[i]);
    }
    page.Close();
  }
  page.Close().Close().Close();
}

void WriteFigure(const Figure& figure, const std::string& machine, Markup& page) {
  page.Open("figure", {{"class", figure.svg.empty() ? "wide" : "chart"}}).Open("figcaption");
  page.Leaf("strong", {}, absl::StrCat(figure.title, ".")).Text(" ");
  page.Text(absl::StrCat(figure.caption, ". "));
  page.Leaf("span", {{"class", "machine"}}, machine);
  page.Close();
  if (figure.svg.empty()) {
    WriteTable(figure.table, figure.title, page);
  } else {
    page.Insert(figure.svg).Open("details").Leaf("summary", {}, "Data");
    WriteTable(figure.table, figure.title, page);
    page.Close();
  }
  page.Close();
}

void WriteSection(const char* title, const std::vector<Figure>& figures, const std::string& machine,
                  Markup& page) {
  if (figures.empty()) return;
  page.Open("section").Leaf("h2", {}, title).Open("div", {{"class", "figures"}});
  for (const Figure& figure : figures) WriteFigure(figure, machine, page);
  page.Close().Close();
}

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
                            context.commit, results.cells.size(), results.seconds, results.ended,
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
  page.Open("html", {{"lang", "en"}}).Open("head");
  page.Leaf("meta", {{"charset", "utf-8"}});
  page.Leaf("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  page.Leaf("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  page.Leaf("title", {}, "Fork, measured");
  page.Open("style").Insert(kStyle).Close().Open("script").Insert(kScript).Close().Close();
  page.Open("body");
  WriteHead(results, page);
  page.Open("main");
  WriteSection("Latency", LatencyFigures(results), machine, page);
  WriteSection("Guest against native", RatioFigures(results), machine, page);
  WriteSection("Costs", CostFigures(results), machine, page);
  WriteSection("Distributions", DistributionFigures(results), machine, page);
  WriteSection("What Linux offers", WaysFigures(results), machine, page);
  return "<!DOCTYPE html>\n" + page.Finish();
}

}  // namespace fv::lab::report
