// SPDX-License-Identifier: Apache-2.0
//
// Packets of GDB's remote serial protocol ("GDB Remote Serial Protocol", Overview, in the GDB
// manual): $DATA#CHECKSUM with escapes, acknowledgements, and the byte that interrupts. Pure: bytes
// in, packets out, whatever the bytes are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fv::gdb {

// Longest packet in either direction, without its frame: what qSupported says.
inline constexpr size_t kMaxPacketBytes = 16384;

struct Input {
  enum class Kind {
    kPacket,     // `data`, its checksum right
    kDamaged,    // a packet with a wrong checksum or too long: wants a NAK
    kInterrupt,  // Ctrl-C
    kAck,
    kNak,  // send the last packet again
  } kind;
  std::string data;
};

// Bytes of a client, in pieces as they come.
class PacketReader {
 public:
  void Feed(std::string_view bytes) { bytes_.append(bytes); }
  // The next thing that is complete; nullopt: more bytes are needed. What is outside of packets and
  // means nothing is skipped.
  std::optional<Input> Next();

 private:
  std::optional<Input> TakePacket();

  std::string bytes_;
};

// $DATA#CHECKSUM, escaped.
std::string FramePacket(std::string_view data);

// ---- Numbers and bytes in packets
// "7f" for the byte 0x7f.
std::string ToHex(std::string_view bytes);
// nullopt: odd length, or no hexadecimal digit.
std::optional<std::string> FromHex(std::string_view digits);
// A number in hexadecimal, most significant digit first, as addresses and lengths are; removed from
// the front of `text`. nullopt if there is none or it does not fit.
std::optional<uint64_t> TakeNumber(std::string_view& text);
// Removes `prefix` from the front; false if it is not there.
bool TakePrefix(std::string_view& text, std::string_view prefix);

}  // namespace fv::gdb
