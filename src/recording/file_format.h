// SPDX-License-Identifier: Apache-2.0
//
// The bytes around the records of a recording (docs/recording.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fv::recording {

// "FVREC", and what a transfer as text would damage.
inline constexpr std::array<uint8_t, 8> kMagic = {'F', 'V', 'R', 'E', 'C', '\r', '\n', 0x1A};
inline constexpr uint32_t kFileVersion = 1;
inline constexpr size_t kFileHeaderBytes = 16;   // magic, version, zero
inline constexpr size_t kRecordHeaderBytes = 8;  // length, checksum of length and payload
inline constexpr uint32_t kMostRecordBytes = 1u << 28;
// Header.version. 2: mappings have their files' names.
inline constexpr uint32_t kSchemaVersion = 2;

}  // namespace fv::recording
