// SPDX-License-Identifier: Apache-2.0
//
// The socket of a running guest (unix(7), stream): how it is made, found and spoken to.
//
// A client sends its words, each ended by a NUL, the first of them "console" or "json", and shuts
// its side down; the server answers with one byte, '0' (an answer follows) or '2' (a sentence that
// says why not), then text, and closes. Only the server's user and root are served. A question
// whose answer is a file comes with a descriptor of it (SCM_RIGHTS); the text is then what there is
// to say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/query/listing.h"
#include "src/query/query.h"
#include "vmm/fd.h"

namespace fv::query {

inline constexpr char kAnswered = '0';
inline constexpr char kRefused = '2';
inline constexpr size_t kMaxRequestBytes = size_t{64} * 1024;

// Binds and listens; the file has mode 0600. A socket at `path` that nobody listens on is replaced.
// Errors: AlreadyExists, InvalidArgument (too long), Internal with the errno text.
absl::StatusOr<vmm::Fd> ListenAt(const std::string& path);

inline constexpr int kNoFile = -1;
// Asks whoever listens at `path`; `file` is where a question for a file gets its answer. Errors:
// NotFound (nobody listens), InvalidArgument (refused, with the server's sentence), Unavailable
// (the guest ended meanwhile).
absl::StatusOr<std::string> AskServer(const std::string& path, Format format, const Words& words,
                                      int file = kNoFile);

// Sends all of `bytes` on a stream socket, without SIGPIPE. Error: Internal, with the errno text.
absl::Status SendAll(int fd, std::string_view bytes);

struct Request {
  Format format = Format::kConsole;
  Words words;
};
// What a client sent.
struct Received {
  std::string bytes;  // empty: too many, too slow, or none
  vmm::Fd file;       // not valid: none came
};
Received ReceiveRequest(int fd);
// Error: InvalidArgument.
absl::StatusOr<Request> ParseRequest(std::string_view bytes);
std::string RequestBytes(const Request& request);

}  // namespace fv::query
