// SPDX-License-Identifier: Apache-2.0
//
// The source tree as the style and documentation tests see it: the files of the workspace that
// people write, found through the runfiles' link to WORKSPACE. Needs the target to name
// "//:WORKSPACE" in data, and the tag "external", since Bazel does not know what is read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace fv::tests {

// The workspace's real root. Throws std::runtime_error outside a Bazel test.
std::filesystem::path SourceRoot();

// Paths relative to the root of all regular files, sorted; without .git and Bazel's links.
std::vector<std::filesystem::path> SourceFiles();

// The file's lines without their ends.
std::vector<std::string> Lines(const std::filesystem::path& relative);

}  // namespace fv::tests
