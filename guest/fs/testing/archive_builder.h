// SPDX-License-Identifier: Apache-2.0
//
// Builds newc archives for tests, good ones and, by patching the bytes, bad ones.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace fv::guest::testing {

class ArchiveBuilder {
 public:
  ArchiveBuilder& Add(const std::string& name, uint32_t mode, const std::string& data = "",
                      uint32_t links = 1, uint32_t inode = 0, uint32_t uid = 0) {
    char header[111];
    std::snprintf(header, sizeof(header),
                  "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", inode, mode, uid,
                  uid, links, 1000u, data.size(), 0u, 0u, 0u, 0u, name.size() + 1, 0u);
    bytes_.insert(bytes_.end(), header, header + 110);
    bytes_.insert(bytes_.end(), name.begin(), name.end());
    bytes_.push_back(0);
    Pad();
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    Pad();
    return *this;
  }
  std::vector<uint8_t> Finish() {
    Add("TRAILER!!!", 0);
    return bytes_;
  }

 private:
  void Pad() {
    while (bytes_.size() % 4 != 0) {
      bytes_.push_back(0);
    }
  }
  std::vector<uint8_t> bytes_;
};

}  // namespace fv::guest::testing
