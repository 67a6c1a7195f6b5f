// SPDX-License-Identifier: Apache-2.0
//
// Writes the table of unreachable lines (unreachable.h) of the source files that it is given.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "src/coverage/unreachable.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i]);
    const std::string source{std::istreambuf_iterator<char>(in), {}};
    if (!in) {
      std::fprintf(stderr, "%s: cannot be read\n", argv[i]);
      return 1;
    }
    for (const uint32_t line : fv::coverage::UnreachableLines(source)) {
      std::printf("%s:%u\n", argv[i], line);
    }
  }
  return 0;
}
