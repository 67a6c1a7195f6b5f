// SPDX-License-Identifier: Apache-2.0
//
// The page as a document: well-formed, self-contained, and with everything that was measured.
#include "src/lab/report/page.h"

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

#include "src/lab/report/comparison_page.h"
#include "src/lab/report/markup.h"
#include "src/lab/testing.h"

namespace fv::lab::report {
namespace {

// What is wrong with XML text; "" if nothing. Knows elements, attributes in double quotes and the
// four entities that Escape makes.
class Checker {
 public:
  explicit Checker(const std::string& text) : text_(text) {}

  std::string Check() {
    const std::string doctype = "<!DOCTYPE html>\n";
    if (text_.compare(0, doctype.size(), doctype) == 0) at_ = doctype.size();
    while (at_ < text_.size()) {
      const std::string wrong = text_[at_] == '<' ? Tag() : Character();
      if (!wrong.empty()) return wrong + " near: " + text_.substr(at_, 60);
    }
    return open_.empty() ? "" : "not closed: " + open_.back();
  }

 private:
  std::string Character() {
    if (text_[at_] == '>') {
      // Style and script are text as they stand.
      if (open_.empty() || (open_.back() != "style" && open_.back() != "script")) return "a >";
    }
    if (text_[at_] == '&') {
      for (const char* entity : {"&amp;", "&lt;", "&gt;", "&quot;"}) {
        if (text_.compare(at_, std::string(entity).size(), entity) == 0) {
          ++at_;
          return "";
        }
      }
      return "an unknown entity";
    }
    ++at_;
    return "";
  }

  std::string Name() {
    const size_t from = at_;
    while (at_ < text_.size() && (std::isalnum(text_[at_]) != 0 || text_[at_] == '-')) ++at_;
    return text_.substr(from, at_ - from);
  }

  std::string Tag() {
    ++at_;
    const bool closes = text_[at_] == '/';
    at_ += closes ? 1 : 0;
    const std::string name = Name();
    if (name.empty()) return "a tag without a name";
    if (closes) {
      if (open_.empty() || open_.back() != name) return "closes " + name;
      open_.pop_back();
      return text_[at_++] == '>' ? "" : "a tag that does not end";
    }
    while (text_[at_] == ' ') {
      ++at_;
      if (Name().empty()) return "an attribute without a name";
      if (text_.compare(at_, 2, "=\"") != 0) return "an attribute without a value";
      const size_t end = text_.find('"', at_ + 2);
      if (end == std::string::npos) return "a value without an end";
      if (text_.substr(at_, end - at_).find('<') != std::string::npos) return "a < in a value";
      at_ = end + 1;
    }
    if (text_.compare(at_, 2, "/>") == 0) {
      at_ += 2;
      return "";
    }
    open_.push_back(name);
    return text_[at_++] == '>' ? "" : "a tag that does not end";
  }

  const std::string& text_;
  size_t at_ = 0;
  std::vector<std::string> open_;
};

std::string Wrong(const std::string& text) { return Checker(text).Check(); }

size_t CountOf(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++count;
  return count;
}

TEST(Checker, SeesWhatIsWrong) {
  EXPECT_EQ(Wrong("<a b=\"c\">d &amp; e<f/></a>"), "");
  EXPECT_NE(Wrong("<a>"), "");
  EXPECT_NE(Wrong("<a></b>"), "");
  EXPECT_NE(Wrong("a > b"), "");
  EXPECT_NE(Wrong("&nbsp;"), "");
  EXPECT_NE(Wrong("<a b=c/>"), "");
}

TEST(Markup, EscapesWhateverComes) {
  Markup markup;
  markup.Open("p", {{"title", "\"<&>\""}}).Text("<script>&\x01").Leaf("b", {}, "]]>");
  const std::string text = markup.Finish();
  EXPECT_EQ(Wrong(text), "") << text;
  EXPECT_EQ(text.find("<script>"), std::string::npos);
}

TEST(Markup, NumbersAreShort) {
  EXPECT_EQ(Number(3), "3");
  EXPECT_EQ(Number(2.504), "2.5");
  EXPECT_EQ(Number(-0.001), "0");
  EXPECT_EQ(Number(100), "100");
}

TEST(Page, IsWellFormedAndComplete) {
  const std::string page = Page(MadeUpResults());
  EXPECT_EQ(Wrong(page), "");
  EXPECT_EQ(page.rfind("<!DOCTYPE html>", 0), 0u);
  for (const char* title :
       {"First fork by size", "Fork again by size", "Guest by native", "Phases of a fork",
        "The call and its tail", "What a fork costs, counted", "Percentiles of fork_again",
        "Ways to make a process", "A &lt;CPU&gt; &amp; more", "The machine was not quiet",
        "forkvisor bench --vary=size,strategy"}) {
    EXPECT_NE(page.find(title), std::string::npos) << title;
  }
  // A table for each chart, and one that is a figure by itself.
  EXPECT_EQ(CountOf(page, "<table>"), CountOf(page, "<svg ") + 1);
  EXPECT_EQ(CountOf(page, "<svg "), CountOf(page, "role=\"img\""));
}

// Links, images, imports, fonts: nothing is fetched.
TEST(Page, NeedsNoNetwork) {
  std::string page = Page(MadeUpResults());
  const std::string name_space = "xmlns=\"http://www.w3.org/2000/svg\"";
  for (size_t at; (at = page.find(name_space)) != std::string::npos;) {
    page.erase(at, name_space.size());
  }
  for (const char* word : {"http:", "https:", "url(", "@import", "src=", "href=", "<link"}) {
    EXPECT_EQ(page.find(word), std::string::npos) << word;
  }
}

TEST(Page, AnExperimentWithoutResultsIsAPageToo) {
  LabResults results;
  EXPECT_EQ(Wrong(Page(results)), "");
  results.cells.resize(2);
  results.cells[0].cell.system = "classic";
  results.cells[1].cell.system = kNative;
  results.cells[1].cell.size = 4096;
  EXPECT_EQ(Wrong(Page(results)), "");
}

// A result as forkvisor bench writes it, and as compare reads it.
ComparedResult ResultOf(const LabResults& results, const std::string& name) {
  const std::string json = FormatLabJson(results);
  return {name, ReadOrigin(json).value(), ReadMeasured(json).value()};
}

TEST(ComparisonPage, ShowsBothSideBySide) {
  const ComparedResult before = ResultOf(MadeUpResults(), "before.json");
  ComparedResult after = ResultOf(MadeUpResults(), "<after>.json");
  // Of one system the first fork takes twice as long; a row is in one result only.
  for (Measured& row : after.rows) {
    if (row.series != "fork" || row.cell.system != "ondemand") continue;
    for (double& ns : row.observations) ns *= 2;
  }
  after.rows.back().name = "something new";
  const std::string page = ComparisonPage(
      before, after, Compare(before.rows, after.rows, {.bound = 0.05, .significance = 1}));
  EXPECT_EQ(Wrong(page), "");
  for (const char* text :
       {"Fork, compared", "&lt;after&gt;.json", "A &lt;CPU&gt; &amp; more", "<h2>classic</h2>",
        "<h2>ondemand</h2>", "<h2>native</h2>", "First fork by size", "After by before: fork",
        "After by before: spawn", "ratio, after by before", "2.000", ">slower<", "2 slower",
        "something new"}) {
    EXPECT_NE(page.find(text), std::string::npos) << text;
  }
  // Each system's charts over size have a line for each result.
  EXPECT_EQ(CountOf(page, "First fork by size.</strong>"), 3u);
  EXPECT_EQ(CountOf(page, ">before</text>"), CountOf(page, ">after</text>"));
  EXPECT_GE(CountOf(page, ">before</text>"), 3u);
}

TEST(ComparisonPage, RowsOfThePlainTableHaveTheirPlaceToo) {
  const ComparedResult result{"x", {}, {{"fork/guest/bytes:0", 5, {5, 6}, "fork", {"guest"}, {}}}};
  const std::string page = ComparisonPage(result, result, Compare(result.rows, result.rows, {}));
  EXPECT_EQ(Wrong(page), "");
  EXPECT_NE(page.find("<h2>Rows</h2>"), std::string::npos);
}

}  // namespace
}  // namespace fv::lab::report
