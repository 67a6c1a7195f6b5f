// SPDX-License-Identifier: Apache-2.0
//
// Whether what this Linux does says anything about the guest: the guest follows one version, and
// older ones do some things otherwise. Tests that find a difference on such a host skip and say so.
#pragma once

#include <compare>
#include <optional>
#include <string_view>

namespace fv::native::testing {

struct LinuxVersion {
  unsigned major = 0;
  unsigned minor = 0;
  auto operator<=>(const LinuxVersion&) const = default;
};

// What the guest says of itself in uname(2); docs/limits.md.
inline constexpr LinuxVersion kFollowedLinux{6, 18};

// Of a release as uname(2) has it, "6.1.0-50-amd64"; nothing where it begins otherwise.
std::optional<LinuxVersion> ParseLinuxRelease(std::string_view release);

bool HostLinuxIsOlder();

}  // namespace fv::native::testing
