// SPDX-License-Identifier: Apache-2.0
#include "src/native/testing/host_linux.h"

#include <sys/utsname.h>

#include <charconv>

namespace fv::native::testing {

std::optional<LinuxVersion> ParseLinuxRelease(std::string_view release) {
  const char* const end = release.data() + release.size();
  LinuxVersion version;
  const auto major = std::from_chars(release.data(), end, version.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  return minor.ec == std::errc() ? std::optional(version) : std::nullopt;
}

bool HostLinuxIsOlder() {
  struct utsname name {};
  if (uname(&name) != 0) return false;
  const std::optional<LinuxVersion> version = ParseLinuxRelease(name.release);
  return version && *version < kFollowedLinux;
}

}  // namespace fv::native::testing
