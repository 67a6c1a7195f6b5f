// SPDX-License-Identifier: Apache-2.0
//
// Serves the page and a recording over HTTP, the recording also while it is being written. One
// thread of its own for all viewers. It reads the recording from its file, at each viewer's own
// pace and a piece at a time: whoever writes the file never waits for a viewer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace fv::view {

// A recording in a file that may be growing.
struct Source {
  int fd;                           // read by pread(2)
  std::function<uint64_t()> bytes;  // that may be read; called on the server's thread
  std::function<bool()> complete;   // nothing will be added; asked before `bytes`
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // IPv4
  uint16_t port = 0;                  // 0: any
  std::string token;
  std::string_view page;  // stays as long as the server
};

class ViewServer {
 public:
  // Listens and answers from now on. `source` outlives the server. Error: InvalidArgument, with the
  // errno text (the port is taken...).
  static absl::StatusOr<std::unique_ptr<ViewServer>> Start(const ServerOptions& options,
                                                           Source source);
  // Viewers are cut off.
  ~ViewServer();

  uint16_t port() const;
  // What to open in a browser.
  std::string Url() const;

 private:
  class Loop;
  explicit ViewServer(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace fv::view
