// SPDX-License-Identifier: Apache-2.0
//
// Words of a command line, or an environment, as execve(2) takes them.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace fv::vmm {

// Points into `words`; a null pointer ends it. execve does not write to them, though its type says
// so.
inline std::vector<char*> ExecWords(const std::vector<std::string>& words) {
  std::vector<char*> pointers(words.size() + 1, nullptr);
  std::transform(words.begin(), words.end(), pointers.begin(),
                 [](const std::string& word) { return const_cast<char*>(word.c_str()); });
  return pointers;
}

}  // namespace fv::vmm
