// SPDX-License-Identifier: Apache-2.0
//
// A cursor that moves up through RAM; each part is page aligned.
#include "vmm/boot_block.h"

#include <cstring>
#include <string>

#include "proto/channel.h"
#include "proto/layout.h"
#include "vmm/boot_tables.h"
#include "vmm/elf_loader.h"
#include "vmm/error.h"
#include "vmm/page_up.h"

namespace fv::vmm {
namespace {

[[noreturn]] void BadConfig(const std::string& reason) {
  throw VmmError(VmmErrorKind::kBadConfig, reason);
}

void WriteChannel(GuestMemory& memory, uint64_t gpa, uint64_t event_mask) {
  const uint64_t events = proto::kChannelHeaderBytes;
  const uint64_t console = events + proto::RingBytes(proto::kEventCapacity);
  const uint64_t commands = console + proto::RingBytes(proto::kConsoleCapacity);
  static_assert(proto::RingBytes(proto::kEventCapacity) % proto::kRingAlign == 0 &&
                proto::RingBytes(proto::kConsoleCapacity) % proto::kRingAlign == 0);
  proto::ChannelHeader header{};
  header.magic = proto::kChannelMagic;
  header.version = proto::kContractVersion;
  header.layout_hash = proto::kLayoutHash;
  header.events = {events, proto::kEventCapacity, 0, 0};
  header.console = {console, proto::kConsoleCapacity, 0, 0};
  header.commands = {commands, proto::kCommandCapacity, 0, 0};
  header.event_mask = event_mask | proto::kEventsAlways;
  memory.Span(gpa, proto::kChannelBytes);  // throws when RAM is too small
  std::memcpy(memory.Span(gpa, sizeof(header)).data(), &header, sizeof(header));
}

// The strings of the argument block, and where the two that have no count stand in it.
struct Arguments {
  std::string block;
  uint64_t cwd_offset = 0;
  uint64_t exec_offset = 0;
};

void AddString(Arguments& arguments, const std::string& text) {
  if (text.find('\0') != std::string::npos) BadConfig("an argument contains a NUL byte");
  arguments.block += text;
  arguments.block += '\0';
}

Arguments JoinArguments(const MachineConfig& config) {
  Arguments arguments;
  for (const std::string& text : config.argv) AddString(arguments, text);
  for (const std::string& text : config.envp) AddString(arguments, text);
  arguments.cwd_offset = arguments.block.size();
  AddString(arguments, config.cwd);
  arguments.exec_offset = arguments.block.size();
  AddString(arguments, config.exec_path);
  return arguments;
}

uint64_t CopyIn(GuestMemory& memory, uint64_t gpa, const void* data, uint64_t bytes) {
  if (!memory.Write(gpa, data, bytes)) {
    BadConfig("guest memory of " + std::to_string(memory.size() >> 20) +
              " MiB is too small for kernel, arguments and root file system");
  }
  return PageUp(gpa + bytes);
}

void FillConfigured(proto::BootInfo& info, const MachineConfig& config) {
  info.magic = proto::kBootMagic;
  info.version = proto::kContractVersion;
  info.flags = config.boot_flags;
  info.layout_hash = proto::kLayoutHash;
  info.argc = static_cast<uint32_t>(config.argv.size());
  info.envc = static_cast<uint32_t>(config.envp.size());
  info.event_mask = config.event_mask | proto::kEventsAlways;
  info.tick_ns = config.tick_ns;
  info.mutant = config.mutant;
  info.console_columns = config.console_columns;
  info.console_rows = config.console_rows;
  info.umask = config.umask;
  if (config.fork_strategy.size() >= sizeof(info.fork_strategy)) {
    BadConfig("no fork strategy has a name as long as " + config.fork_strategy);
  }
  config.fork_strategy.copy(info.fork_strategy, sizeof(info.fork_strategy));
}

void FillFacts(proto::BootInfo& info, const BootFacts& facts) {
  info.flags |= facts.extra_flags;
  info.kernel_ring = facts.ring;
  info.tsc_khz = facts.time.tsc_khz;
  info.boot_tsc = facts.time.boot_tsc;
  info.boot_wall_ns = facts.time.boot_wall_ns;
  info.xsave_mask = facts.xsave_mask;
  info.xsave_bytes = facts.xsave_bytes;
  info.random_seed = facts.random_seed;
}

}  // namespace

BootBlock WriteBootBlock(GuestMemory& memory, const MachineConfig& config, const BootFacts& facts) {
  proto::BootInfo info{};
  FillConfigured(info, config);
  FillFacts(info, facts);
  info.ram_bytes = memory.size();

  const LoadedImage image = LoadImage(std::as_bytes(config.kernel_image), memory);
  info.image_end_gpa = image.end_gpa;
  const BootTables tables = BuildBootTables(memory, image, image.end_gpa, facts.ring);
  info.kernel_root_gpa = tables.root_gpa;

  info.channel_gpa = tables.end_gpa;
  info.channel_bytes = proto::kChannelBytes;
  WriteChannel(memory, info.channel_gpa, config.event_mask);

  const Arguments arguments = JoinArguments(config);
  info.args_gpa = PageUp(info.channel_gpa + info.channel_bytes);
  info.args_bytes = arguments.block.size();
  info.cwd_gpa = config.cwd.empty() ? 0 : info.args_gpa + arguments.cwd_offset;
  info.exec_gpa = config.exec_path.empty() ? 0 : info.args_gpa + arguments.exec_offset;
  info.initrd_gpa = CopyIn(memory, info.args_gpa, arguments.block.data(), arguments.block.size());
  info.initrd_bytes = config.initrd.size();
  info.first_free_gpa = CopyIn(memory, info.initrd_gpa, config.initrd.data(), config.initrd.size());
  if (!memory.Contains(info.first_free_gpa, kMinFreeBytes)) {
    BadConfig("guest memory of " + std::to_string(memory.size() >> 20) +
              " MiB leaves nothing free beside kernel and root file system");
  }
  proto::ClockWords clock{};
  clock.is_virtual = (info.flags & proto::kBootDeterministic) != 0 ? 1 : 0;
  if (!memory.Store(proto::kBootInfoPhys, info) || !memory.Store(proto::kClockPhys, clock)) {
    BadConfig("no room for boot info");
  }
  return {info, image.entry_gva};
}

}  // namespace fv::vmm
