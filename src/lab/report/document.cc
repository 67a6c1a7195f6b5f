// SPDX-License-Identifier: Apache-2.0
#include "src/lab/report/document.h"

#include "absl/strings/str_cat.h"
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

}  // namespace

void WriteSection(const char* title, const std::vector<Figure>& figures, const std::string& machine,
                  Markup& page) {
  if (figures.empty()) return;
  page.Open("section").Leaf("h2", {}, title).Open("div", {{"class", "figures"}});
  for (const Figure& figure : figures) WriteFigure(figure, machine, page);
  page.Close().Close();
}

void BeginPage(const char* title, Markup& page) {
  page.Open("html", {{"lang", "en"}}).Open("head");
  page.Leaf("meta", {{"charset", "utf-8"}});
  page.Leaf("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  page.Leaf("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  page.Leaf("title", {}, title);
  page.Open("style").Insert(kStyle).Close().Open("script").Insert(kScript).Close().Close();
  page.Open("body");
}

std::string FinishPage(Markup& page) { return "<!DOCTYPE html>\n" + page.Finish(); }

}  // namespace fv::lab::report
