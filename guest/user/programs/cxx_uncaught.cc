// SPDX-License-Identifier: Apache-2.0
//
// An exception that nobody catches: std::terminate, a message on stderr, SIGABRT.
#include <stdexcept>

// NOLINTNEXTLINE(bugprone-exception-escape): the purpose
int main() { throw std::runtime_error("nobody catches this"); }
