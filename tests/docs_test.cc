// SPDX-License-Identifier: Apache-2.0
//
// Every relative link in README.md and docs/ leads to a file (and, after '#', to a heading of it),
// every page of docs/ is reachable from docs/index.md, every path of the repository that a page
// names is there, every flag of the command is in its help and in docs/command.md, and every test
// program has its row in docs/test-programs.md.
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

// A link's target, or the text of a `code span`.
struct Place {
  size_t line;
  std::string text;
};

bool IsPage(const fs::path& path) {
  return path.extension() == ".md" && (path.parent_path().empty() || *path.begin() == "docs");
}

// What `expression` has in its parentheses, wherever it matches outside of fenced code.
std::vector<Place> Matches(const std::vector<std::string>& lines, const std::regex& expression) {
  std::vector<Place> matches;
  bool fenced = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].rfind("```", 0) == 0) fenced = !fenced;
    if (fenced) continue;
    for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), expression), end; it != end;
         ++it) {
      matches.push_back({i + 1, (*it)[1]});
    }
  }
  return matches;
}

std::vector<Place> SpansOf(const fs::path& page) {
  static const std::regex kCode("`([^`]+)`");
  return Matches(Lines(page), kCode);
}

// Links of a page; what looks like one in a code span is none.
std::vector<Place> LinksOf(std::vector<std::string> lines) {
  static const std::regex kCode("`[^`]+`");
  static const std::regex kLink("\\]\\(([^)\\s]+)\\)");
  for (std::string& line : lines) line = std::regex_replace(line, kCode, "");
  return Matches(lines, kLink);
}

std::string Text(const fs::path& file) {
  std::string text;
  for (const std::string& line : Lines(file)) text += line + '\n';
  return text;
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
    for (const Place& link : LinksOf(Lines(page))) {
      if (link.text.find("://") != std::string::npos) continue;
      ++checked;
      const size_t hash = link.text.find('#');
      const std::string file = link.text.substr(0, hash);
      const fs::path target = file.empty() ? page : (page.parent_path() / file).lexically_normal();
      EXPECT_TRUE(fs::exists(SourceRoot() / target))
          << page << ":" << link.line << ": " << link.text;
      if (hash == std::string::npos || target.extension() != ".md") continue;
      EXPECT_TRUE(HasAnchor(target, link.text.substr(hash + 1)))
          << page << ":" << link.line << ": no such heading: " << link.text;
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
    for (const Place& link : LinksOf(Lines(page))) {
      const std::string file = link.text.substr(0, link.text.find('#'));
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

TEST(Docs, EveryPathIsThere) {
  static const std::regex kPath(
      "(bench|docs|guest|proto|src|tests|third_party|tools|vmm)/[\\w./-]*");
  unsigned checked = 0;
  for (const fs::path& page : SourceFiles()) {
    if (!IsPage(page)) continue;
    for (const Place& span : SpansOf(page)) {
      if (!std::regex_match(span.text, kPath)) continue;
      ++checked;
      EXPECT_TRUE(fs::exists(SourceRoot() / span.text))
          << page << ":" << span.line << ": " << span.text;
    }
  }
  EXPECT_GT(checked, 0u) << "no paths found: the test reads the wrong files";
}

TEST(Docs, EveryFlagIsExplained) {
  static const std::regex kDefinition("^DEFINE_\\w+\\((\\w+),");
  const std::string help = Text("src/cli/help.cc");
  const std::string page = Text("docs/command.md");
  unsigned checked = 0;
  for (const fs::path& file : SourceFiles()) {
    if (file.parent_path() != "src/cli" || file.extension() != ".cc" ||
        file.stem().string().ends_with("_test")) {
      continue;
    }
    for (const Place& flag : Matches(Lines(file), kDefinition)) {
      ++checked;
      const std::regex written((flag.text.size() == 1 ? "-" : "--") + flag.text + "\\b");
      EXPECT_TRUE(std::regex_search(help, written)) << "help lacks " << flag.text;
      EXPECT_TRUE(std::regex_search(page, written)) << "docs/command.md lacks " << flag.text;
    }
  }
  EXPECT_GT(checked, 0u) << "no flags found: the test reads the wrong files";
}

TEST(Docs, EveryTestProgramHasARow) {
  const std::string page = Text("docs/test-programs.md");
  for (const fs::path& file : SourceFiles()) {
    if (file.parent_path() != "guest/user/programs") continue;
    EXPECT_NE(page.find("| [" + file.stem().string() + "](../" + file.string() + ") |"),
              std::string::npos)
        << file << " has no row in docs/test-programs.md";
  }
}

TEST(Docs, AnchorsAreMadeAsGitHubMakesThem) {
  EXPECT_EQ(AnchorOf("## What a fork costs, and where"), "what-a-fork-costs-and-where");
  EXPECT_EQ(AnchorOf("# `fork()` in 5 steps"), "fork-in-5-steps");
}

}  // namespace
}  // namespace fv::tests
