// SPDX-License-Identifier: Apache-2.0
//
// Walking the source tree; see source_tree.h.
#include "tests/source_tree.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace fv::tests {

namespace fs = std::filesystem;

fs::path SourceRoot() {
  const char* runfiles = std::getenv("TEST_SRCDIR");
  if (runfiles == nullptr) throw std::runtime_error("TEST_SRCDIR is not set: run by bazel test");
  return fs::canonical(fs::path(runfiles) / "forkvisor" / "WORKSPACE").parent_path();
}

std::vector<fs::path> SourceFiles() {
  const fs::path root = SourceRoot();
  std::vector<fs::path> files;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::end(it); ++it) {
    const fs::path name = it->path().filename();
    if (it->is_symlink() || name == ".git" || name == "node_modules") {
      it.disable_recursion_pending();
    } else if (it->is_regular_file()) {
      files.push_back(it->path().lexically_relative(root));
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> Lines(const fs::path& relative) {
  std::ifstream file(SourceRoot() / relative);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace fv::tests
