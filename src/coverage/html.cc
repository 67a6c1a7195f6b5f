// SPDX-License-Identifier: Apache-2.0
//
// The pages: a table of folders and files, and each file with the lines that were reached.
#include <algorithm>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "src/coverage/write.h"

namespace fv::coverage {
namespace {

constexpr char kHead[] = R"(<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>%s</title>
<meta name="viewport" content="width=device-width">
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse }
td, th { padding: .1em .8em; text-align: left; border-bottom: 1px solid #8884 }
td.n { text-align: right; font-variant-numeric: tabular-nums }
meter { width: 10em }
pre { font: 13px/1.45 monospace; margin: 0; overflow-x: auto }
pre span { display: block; white-space: pre }
pre i { display: inline-block; width: 12ch; text-align: right; margin-right: 2ch; opacity: .6;
  font-style: normal }
.hit { background: #2a92} .miss { background: #e332 }
</style>
<h1>%s</h1>
)";

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

std::string Head(const std::string& title) {
  return absl::StrReplaceAll(kHead, {{"%s", Escaped(title)}});
}

std::string PageOf(const std::string& path) {
  return absl::StrCat(absl::StrReplaceAll(path, {{"/", "_"}}), ".html");
}

std::vector<std::string> ReadLines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string Row(const std::string& what, const Share& share) {
  return absl::StrFormat(
      "<tr><td>%s<td><meter max=100 value=%.1f></meter><td class=n>%.1f %%<td class=n>%d<td "
      "class=n>%d\n",
      what, share.Percent(), share.Percent(), share.reached, share.all);
}

std::string IndexPage(const Report& report) {
  std::string page = Head("Coverage of the guest kernel");
  absl::StrAppend(&page, "<p>", report.blocks.Text(), " basic blocks reached.\n",
                  "<table><tr><th><th><th><th>lines reached<th>of\n");
  for (const std::string& folder : Folders(report)) {
    absl::StrAppend(&page,
                    Row(absl::StrCat("<b>", Escaped(folder), "</b>"), LinesBelow(report, folder)));
  }
  for (const auto& [path, file] : report.files) {
    absl::StrAppend(
        &page, Row(absl::StrCat("<a href=\"", Escaped(PageOf(path)), "\">", Escaped(path), "</a>"),
                   LinesOf(file)));
  }
  return page + "</table>\n";
}

std::string FilePage(const std::string& path, const FileReport& file,
                     const std::vector<std::string>& source) {
  std::string page = Head(path);
  absl::StrAppend(&page, "<p>", LinesOf(file).Text(),
                  " lines with code reached. The number before a line: programs that ran it.\n",
                  "<p><a href=\"index.html\">All files</a>\n<pre>");
  const uint32_t last = file.lines.empty() ? 0 : file.lines.rbegin()->first;
  const auto count = std::max(source.size(), size_t{last});
  for (uint32_t line = 1; line <= count; ++line) {
    const auto hits = file.lines.find(line);
    const bool has_code = hits != file.lines.end();
    const char* look = !has_code ? "" : hits->second != 0 ? " class=hit" : " class=miss";
    absl::StrAppend(&page, "<span", look, "><i>", has_code ? absl::StrCat(hits->second) : "",
                    "</i>", absl::Dec(line, absl::kSpacePad5), "  ",
                    line <= source.size() ? Escaped(source[line - 1]) : "", "</span>");
  }
  return page + "</pre>\n";
}

}  // namespace

std::map<std::string, std::string> HtmlPages(const Report& report, const std::string& source) {
  std::map<std::string, std::string> pages = {{"index.html", IndexPage(report)}};
  for (const auto& [path, file] : report.files) {
    pages[PageOf(path)] = FilePage(path, file, ReadLines(source + "/" + path));
  }
  return pages;
}

}  // namespace fv::coverage
