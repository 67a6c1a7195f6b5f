// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/packet.h"

#include <algorithm>
#include <numeric>

namespace fv::gdb {
namespace {

constexpr char kInterruptByte = '\x03';
constexpr char kEscape = '}';
constexpr char kEscapeBit = 0x20;
constexpr size_t kChecksumDigits = 2;
constexpr char kDigits[] = "0123456789abcdef";

std::optional<unsigned> Digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

uint8_t Checksum(std::string_view bytes) {
  return static_cast<uint8_t>(std::accumulate(
      bytes.begin(), bytes.end(), 0u, [](unsigned sum, char c) { return sum + uint8_t(c); }));
}

// nullopt: an escape at the end.
std::optional<std::string> Unescape(std::string_view body) {
  std::string data;
  for (size_t i = 0; i < body.size(); ++i) {
    if (body[i] != kEscape) {
      data.push_back(body[i]);
    } else if (++i < body.size()) {
      data.push_back(static_cast<char>(body[i] ^ kEscapeBit));
    } else {
      return std::nullopt;
    }
  }
  return data;
}

}  // namespace

std::optional<Input> PacketReader::Next() {
  while (!bytes_.empty()) {
    const char first = bytes_.front();
    if (first == '$') return TakePacket();
    bytes_.erase(0, 1);
    if (first == kInterruptByte) return Input{Input::Kind::kInterrupt, {}};
    if (first == '+') return Input{Input::Kind::kAck, {}};
    if (first == '-') return Input{Input::Kind::kNak, {}};
  }
  return std::nullopt;
}

std::optional<Input> PacketReader::TakePacket() {
  const size_t end = bytes_.find('#');
  if (std::min(end, bytes_.size()) > 2 * kMaxPacketBytes) {
    // Too long even if every byte of it were escaped: nothing that follows can be believed.
    bytes_.clear();
    return Input{Input::Kind::kDamaged, {}};
  }
  if (end == std::string::npos || bytes_.size() < end + 1 + kChecksumDigits) return std::nullopt;
  const std::string body = bytes_.substr(1, end - 1);
  const std::optional<std::string> sum = FromHex(bytes_.substr(end + 1, kChecksumDigits));
  bytes_.erase(0, end + 1 + kChecksumDigits);
  std::optional<std::string> data = Unescape(body);
  if (!sum || static_cast<uint8_t>(sum->front()) != Checksum(body) || !data) {
    return Input{Input::Kind::kDamaged, {}};
  }
  return Input{Input::Kind::kPacket, *std::move(data)};
}

std::string FramePacket(std::string_view data) {
  std::string body;
  for (char c : data) {
    if (c == '$' || c == '#' || c == kEscape || c == '*') {
      body.push_back(kEscape);
      c = static_cast<char>(c ^ kEscapeBit);
    }
    body.push_back(c);
  }
  const char sum = static_cast<char>(Checksum(body));
  return "$" + body + "#" + ToHex({&sum, 1});
}

std::string ToHex(std::string_view bytes) {
  std::string digits;
  digits.reserve(2 * bytes.size());
  for (char c : bytes) {
    digits.push_back(kDigits[uint8_t(c) >> 4]);
    digits.push_back(kDigits[uint8_t(c) & 0xf]);
  }
  return digits;
}

std::optional<std::string> FromHex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const std::optional<unsigned> high = Digit(digits[i]);
    const std::optional<unsigned> low = Digit(digits[i + 1]);
    if (!high || !low) return std::nullopt;
    bytes.push_back(static_cast<char>(*high << 4 | *low));
  }
  return bytes;
}

std::optional<uint64_t> TakeNumber(std::string_view& text) {
  constexpr size_t kMostDigits = 16;
  uint64_t value = 0;
  size_t digits = 0;
  while (digits < text.size()) {
    const std::optional<unsigned> digit = Digit(text[digits]);
    if (!digit) break;
    if (++digits > kMostDigits) return std::nullopt;
    value = value << 4 | *digit;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace fv::gdb
