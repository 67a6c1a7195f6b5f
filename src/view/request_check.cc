// SPDX-License-Identifier: Apache-2.0
#include "src/view/request_check.h"

#include <arpa/inet.h>
#include <sys/random.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "vmm/error.h"

namespace fv::view {
namespace {

constexpr Refusal kForbidden = {403, "Forbidden"};
constexpr Refusal kNotFound = {404, "Not Found"};

// "localhost" and addresses cannot be made to point elsewhere, other names can.
bool IsFixedName(std::string_view name) {
  in_addr address;
  return name == "localhost" || ::inet_pton(AF_INET, std::string(name).c_str(), &address) == 1;
}

bool NamesServer(std::string_view host, uint16_t port) {
  const size_t colon = host.rfind(':');
  return colon != host.npos && host.substr(colon + 1) == std::to_string(port) &&
         IsFixedName(host.substr(0, colon));
}

// In a time that does not tell how much of it is right.
bool SameSecret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned different = 0;
  for (size_t i = 0; i < a.size(); ++i) different |= static_cast<unsigned char>(a[i] ^ b[i]);
  return different == 0;
}

std::string_view TokenOf(std::string_view query) {
  constexpr std::string_view kName = "token=";
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view field = query.substr(0, end);
    if (field.starts_with(kName)) return field.substr(kName.size());
    query = end == query.npos ? std::string_view() : query.substr(end + 1);
  }
  return {};
}

}  // namespace

Verdict Check(const Request& request, uint16_t port, std::string_view token) {
  const bool own_origin = request.origin.empty() ||
                          request.origin == absl::StrCat("http://", std::string(request.host));
  const bool own_site = request.from_site.empty() || request.from_site == "same-origin" ||
                        request.from_site == "none";  // typed, or opened by another program
  if (!NamesServer(request.host, port) || !own_origin || !own_site ||
      !SameSecret(TokenOf(request.query), token)) {
    return {std::nullopt, kForbidden};
  }
  if (request.path == "/") return {Resource::kPage, {}};
  if (request.path == "/recording") return {Resource::kRecording, {}};
  return {std::nullopt, kNotFound};
}

std::string NewToken() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) vmm::ThrowErrno("getrandom", errno);
  std::string token;
  for (const unsigned char byte : bytes) absl::StrAppend(&token, absl::StrFormat("%02x", byte));
  return token;
}

}  // namespace fv::view
