// SPDX-License-Identifier: Apache-2.0
//
// Names come from the tables of proto/, so that a new kind of event is recorded without a change.
#include "src/recording/header.h"

#include <ctime>

#include "proto/channel.h"
#include "proto/layout.h"
#include "src/inspect/render.h"
#include "src/recording/file_format.h"
#include "src/recording/printable.h"
#include "src/trace/names.h"

namespace fv::recording {
namespace {

// In the order of proto::SafepointKind.
constexpr const char* kSafepoints[] = {"boot", "system-call", "fault", "exit", "final"};
static_assert(std::size(kSafepoints) == static_cast<size_t>(proto::SafepointKind::kFinal) + 1);
// Numbers of system calls are below.
constexpr uint64_t kSyscalls = 1024;

void AddNames(schema::Header& header) {
  for (const inspect::EventNames& event : inspect::NamesOfEvents()) {
    schema::EventKind& kind = *header.add_event_kinds();
    kind.set_name(event.name);
    for (const char* argument : event.arguments) {
      if (*argument != '\0') kind.add_arguments(argument);
    }
  }
  for (auto i = 0u; i < static_cast<unsigned>(proto::ForkPhase::kCount); ++i) {
    header.add_fork_phases(inspect::ForkPhaseText(static_cast<proto::ForkPhase>(i)));
  }
  for (const char* safepoint : kSafepoints) header.add_safepoints(safepoint);
  for (auto i = 0u; i <= static_cast<unsigned>(proto::TaskState::kNew); ++i) {
    header.add_task_states(inspect::TaskStateName(static_cast<proto::TaskState>(i)));
  }
  for (auto i = 0u; i <= static_cast<unsigned>(proto::FrameState::kZero); ++i) {
    header.add_frame_states(inspect::FrameStateName(static_cast<proto::FrameState>(i)));
  }
  for (uint64_t number = 0; number < kSyscalls; ++number) {
    if (const trace::SyscallInfo* const call = trace::FindSyscall(number)) {
      (*header.mutable_system_calls())[static_cast<uint32_t>(number)] = std::string(call->name);
    }
  }
}

}  // namespace

schema::Header MakeHeader(const RunFacts& facts, const proto::BootInfo& boot) {
  schema::Header header;
  header.set_version(kSchemaVersion);
  for (const std::string& word : facts.program) header.add_program(Printable(word));
  header.set_strategy(facts.strategy);
  for (const std::string& strategy : facts.strategies) header.add_strategies(strategy);
  header.set_ram_bytes(boot.ram_bytes);
  header.set_tsc_khz(boot.tsc_khz);
  header.set_kernel_base(proto::kKernelBase);
  header.set_user_end(proto::kUserEnd);
  header.set_host(facts.host);
  header.set_layout_hash(proto::kLayoutHash);
  header.set_kernel_id(facts.kernel_id);
  header.set_unix_time(std::time(nullptr));
  AddNames(header);
  return header;
}

}  // namespace fv::recording
