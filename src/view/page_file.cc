// SPDX-License-Identifier: Apache-2.0
#include "src/view/page_file.h"

#include "absl/strings/escaping.h"

namespace fv::view {

absl::StatusOr<std::string> PageWith(std::string_view page, std::span<const uint8_t> recording) {
  constexpr std::string_view kPlace =
      R"(<script id="recording" type="application/octet-stream;base64">)";
  const size_t at = page.find(kPlace);
  if (at == page.npos || page.find(kPlace, at + 1) != page.npos) {
    return absl::InternalError("the page has no place for a recording");
  }
  const size_t inside = at + kPlace.size();
  std::string whole(page.substr(0, inside));
  whole += absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(recording.data()), recording.size()));
  whole += page.substr(inside);
  return whole;
}

}  // namespace fv::view
