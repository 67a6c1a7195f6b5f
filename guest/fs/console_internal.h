// SPDX-License-Identifier: Apache-2.0
//
// Shared by console.cc (the driver, commands) and console_file.cc (streams that are no terminal).
#pragma once

#include <cstdint>

#include "guest/fs/dentry.h"
#include "guest/fs/devices.h"
#include "guest/fs/tty.h"

namespace fv::guest {

// The host's terminal echoes and edits lines itself while ICANON and ECHO are both on
// (ChannelHeader::console_raw is 0), and does the output processing.
class ConsoleTty final : public Tty {
 public:
  ConsoleTty();
  uint64_t device() const override { return kDeviceConsole; }
  void Pull() override;
  void BeginWait() override;
  void EndWait() override;
  void InputTaken() override { Pull(); }  // there is room again
  size_t WriteRoom() const override;
  void Transmit(const uint8_t* bytes, size_t count, Stream stream) override;
  void SettingsChanged(const struct termios& old) override;
  void Echo(uint8_t byte) override;
  unsigned Column() const override { return 0; }
};

ConsoleTty& Console();
// A stream of the host that is no terminal: an end of a pipe. Errors: ENOMEM.
Result<Ref<File>> MakeStreamFile(Ref<Dentry> dentry, uint32_t flags, Stream stream);

}  // namespace fv::guest
