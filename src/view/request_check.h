// SPDX-License-Identifier: Apache-2.0
//
// Which requests the view's server answers. Any web page that the user visits can make the browser
// ask a server on loopback, directly or by a name that it points there (DNS rebinding); other users
// of the machine can ask as well. So a request has to know the token, name the server by an
// address, and come from no other site.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fv::view {

struct Request {
  std::string_view host;       // header Host; empty: none
  std::string_view origin;     // header Origin; empty: none
  std::string_view from_site;  // header Sec-Fetch-Site; empty: none (an old browser, or no browser)
  std::string_view path;       // as it was sent, without the query
  std::string_view query;
};

enum class Resource { kPage, kRecording };

struct Refusal {
  int status;  // of HTTP
  const char* reason;
};

// What is asked for; or why it is refused.
struct Verdict {
  std::optional<Resource> resource;
  Refusal refusal{};
};

// `port`: the server's. `token` is not empty.
Verdict Check(const Request& request, uint16_t port, std::string_view token);

// A token that nobody guesses: 128 bits, as hex digits. Throws vmm::VmmError.
std::string NewToken();

}  // namespace fv::view
