// SPDX-License-Identifier: Apache-2.0
//
// The rules of the house that a machine can check, over every file of the workspace: the licence
// line, the length of files and functions, the format, and that nothing names one machine.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/source_tree.h"

namespace fv::tests {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileLines = 500;
constexpr size_t kMaxFunctionLines = 80;

// Tables and texts, for which a length says nothing.
const std::set<std::string> kAnyLength = {"LICENSE", "src/view/page/package-lock.json"};

bool HasExtension(const fs::path& path, const std::set<std::string>& extensions) {
  return extensions.count(path.extension().string()) != 0;
}

bool IsCpp(const fs::path& path) { return HasExtension(path, {".h", ".cc", ".c"}); }

// Files in which the licence line can stand as a comment.
bool IsCode(const fs::path& path) {
  static const std::set<std::string> kNames = {"WORKSPACE", ".bazelrc", ".clang-format",
                                               ".clang-tidy", "forkvisor"};
  return IsCpp(path) || kNames.count(path.filename().string()) != 0 || path == ".ci/run" ||
         HasExtension(path, {".S", ".ld", ".def", ".bzl", ".bazel", ".BUILD", ".sh", ".py",
                             ".proto", ".html", ".css", ".js", ".mjs", ".ts"});
}

bool IsText(const fs::path& path) {
  return IsCode(path) || HasExtension(path, {".md", ".txt", ".json", ".svg"});
}

TEST(Style, EveryCodeFileNamesItsLicence) {
  unsigned checked = 0;
  for (const fs::path& path : SourceFiles()) {
    if (!IsCode(path)) continue;
    ++checked;
    const auto lines = Lines(path);
    // The first line, or the second below "#!".
    const size_t at = !lines.empty() && lines[0].rfind("#!", 0) == 0 ? 1 : 0;
    ASSERT_GT(lines.size(), at) << path << " is empty";
    EXPECT_NE(lines[at].find("SPDX-License-Identifier: Apache-2.0"), std::string::npos) << path;
  }
  EXPECT_GT(checked, 20u);
}

TEST(Style, NoFileIsTooLong) {
  for (const fs::path& path : SourceFiles()) {
    if (!IsText(path) || kAnyLength.count(path.string()) != 0) continue;
    EXPECT_LE(Lines(path).size(), kMaxFileLines) << path;
  }
}

// Relies on clang-format: a function's head ends in "{" and its end is "}" at the same column.
TEST(Style, NoFunctionIsTooLong) {
  static const std::regex kNoFunction("^ *(namespace|class|struct|enum|union|extern|#)\\b.*");
  for (const fs::path& path : SourceFiles()) {
    if (!IsCpp(path)) continue;
    const auto lines = Lines(path);
    for (size_t i = 0; i < lines.size(); ++i) {
      const size_t indent = lines[i].find_first_not_of(' ');
      const bool opens = !lines[i].empty() && lines[i].back() == '{';
      if (!opens || indent > 2 || std::regex_match(lines[i], kNoFunction)) continue;
      if (lines[i].find(')') == std::string::npos) continue;
      const std::string closing = std::string(indent, ' ') + "}";
      size_t end = i + 1;
      while (end < lines.size() && lines[end].rfind(closing, 0) != 0) ++end;
      EXPECT_LE(end - i + 1, kMaxFunctionLines) << path << ":" << i + 1;
    }
  }
}

TEST(Style, NothingNamesOneMachine) {
  // Assembled from parts, so that this file passes itself.
  const std::array<std::string, 3> paths = {std::string("/wor") + "k/", std::string("/hom") + "e/",
                                            std::string("/.cache") + "/bazel"};
  for (const fs::path& path : SourceFiles()) {
    if (!IsText(path)) continue;
    const auto lines = Lines(path);
    for (size_t i = 0; i < lines.size(); ++i) {
      for (const std::string& machine : paths) {
        EXPECT_EQ(lines[i].find(machine), std::string::npos) << path << ":" << i + 1;
      }
    }
  }
}

TEST(Style, TextEndsCleanly) {
  for (const fs::path& path : SourceFiles()) {
    if (!IsCode(path)) continue;
    const auto lines = Lines(path);
    for (size_t i = 0; i < lines.size(); ++i) {
      const bool trailing =
          !lines[i].empty() && (lines[i].back() == ' ' || lines[i].back() == '\t');
      EXPECT_FALSE(trailing) << path << ":" << i + 1 << ": space at the end of the line";
    }
    EXPECT_TRUE(lines.empty() || !lines.back().empty()) << path << ": empty last line";
  }
}

// Runs `command` by the shell and returns what it prints; `code` is its exit status.
std::string Output(const std::string& command, int& code) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  char chunk[4096];
  while (size_t bytes = fread(chunk, 1, sizeof chunk, pipe.get())) output.append(chunk, bytes);
  code = pclose(pipe.release());
  return output;
}

TEST(Style, CodeIsFormatted) {
  std::string command = "cd '" + SourceRoot().string() + "' && clang-format --dry-run -Werror";
  for (const fs::path& path : SourceFiles()) {
    if (IsCpp(path)) command += " '" + path.string() + "'";
  }
  int code = 0;
  const std::string output = Output(command + " 2>&1", code);
  EXPECT_EQ(code, 0) << output.substr(0, 4000) << "\nrun: tools/format.sh";
}

}  // namespace
}  // namespace fv::tests
