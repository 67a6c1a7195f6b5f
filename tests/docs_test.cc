// SPDX-License-Identifier: Apache-2.0
//
// Every relative link in README.md and docs/ leads to a file (and, after '#', to a heading of it),
// and every page of docs/ is reachable from docs/index.md.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/source_tree.h"

namespace fv::tests {
namespace {

namespace fs = std::filesystem;

struct Link {
  size_t line;
  std::string target;
};

bool IsPage(const fs::path& path) {
  return path.extension() == ".md" && (path.parent_path().empty() || *path.begin() == "docs");
}

// Links of a page outside fenced code; code spans are left out too.
std::vector<Link> LinksOf(const std::vector<std::string>& lines) {
  static const std::regex kCode("`[^`]*`");
  static const std::regex kLink("\\]\\(([^)\\s]+)\\)");
  std::vector<Link> links;
  bool fenced = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].rfind("```", 0) == 0) fenced = !fenced;
    if (fenced) continue;
    const std::string text = std::regex_replace(lines[i], kCode, "");
    for (std::sregex_iterator it(text.begin(), text.end(), kLink), end; it != end; ++it) {
      links.push_back({i + 1, (*it)[1]});
    }
  }
  return links;
}

// The anchor of a heading as GitHub makes it: lower case, spaces to '-', punctuation dropped.
std::string AnchorOf(const std::string& heading) {
  std::string anchor;
  for (const char c : heading.substr(heading.find_first_not_of("# "))) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '_' || c == '-') anchor += static_cast<char>(std::tolower(byte));
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

bool HasAnchor(const fs::path& page, const std::string& anchor) {
  bool fenced = false;
  for (const std::string& line : Lines(page)) {
    if (line.rfind("```", 0) == 0) fenced = !fenced;
    if (!fenced && line.rfind('#', 0) == 0 && line.find_first_not_of("# ") != std::string::npos &&
        AnchorOf(line) == anchor) {
      return true;
    }
  }
  return false;
}

TEST(Docs, EveryLinkLeadsSomewhere) {
  unsigned checked = 0;
  for (const fs::path& page : SourceFiles()) {
    if (!IsPage(page)) continue;
    for (const Link& link : LinksOf(Lines(page))) {
      if (link.target.find("://") != std::string::npos) continue;
      ++checked;
      const size_t hash = link.target.find('#');
      const std::string file = link.target.substr(0, hash);
      const fs::path target = file.empty() ? page : (page.parent_path() / file).lexically_normal();
      EXPECT_TRUE(fs::exists(SourceRoot() / target))
          << page << ":" << link.line << ": " << link.target;
      if (hash == std::string::npos || target.extension() != ".md") continue;
      EXPECT_TRUE(HasAnchor(target, link.target.substr(hash + 1)))
          << page << ":" << link.line << ": no such heading: " << link.target;
    }
  }
  EXPECT_GT(checked, 0u) << "no links found: the test reads the wrong files";
}

TEST(Docs, EveryPageIsReachableFromTheIndex) {
  const fs::path index = "docs/index.md";
  std::set<fs::path> seen = {index};
  std::vector<fs::path> todo = {index};
  while (!todo.empty()) {
    const fs::path page = todo.back();
    todo.pop_back();
    for (const Link& link : LinksOf(Lines(page))) {
      const std::string file = link.target.substr(0, link.target.find('#'));
      const fs::path target = (page.parent_path() / file).lexically_normal();
      if (!file.empty() && IsPage(target) && seen.insert(target).second) todo.push_back(target);
    }
  }
  for (const fs::path& page : SourceFiles()) {
    if (IsPage(page) && *page.begin() == "docs") {
      EXPECT_EQ(seen.count(page), 1u) << page << " is not linked from " << index;
    }
  }
}

TEST(Docs, AnchorsAreMadeAsGitHubMakesThem) {
  EXPECT_EQ(AnchorOf("## What a fork costs, and where"), "what-a-fork-costs-and-where");
  EXPECT_EQ(AnchorOf("# `fork()` in 5 steps"), "fork-in-5-steps");
}

}  // namespace
}  // namespace fv::tests
