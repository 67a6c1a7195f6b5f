// SPDX-License-Identifier: Apache-2.0
//
// CRC-32C (Castagnoli; RFC 3720, appendix B.4), as iSCSI and many file formats have it. Of our own,
// since Debian 12 has no library of it that links statically: Abseil's is younger, zlib has another
// polynomial.
#pragma once

#include <cstdint>
#include <span>

namespace fv::recording {

// Of `bytes` behind what has the checksum `before`.
uint32_t Crc32c(std::span<const uint8_t> bytes, uint32_t before = 0);

}  // namespace fv::recording
