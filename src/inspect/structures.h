// SPDX-License-Identifier: Apache-2.0
//
// Readers of the kernel's lists and trees, one function a structure. Every pointer is hostile:
// bounds, alignment and magic are checked, every walk is bounded, and what is wrong is appended to
// `malformed` as a sentence while the readable rest is still returned.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"

namespace fv::inspect {

// The task list, with the canary of each kernel stack.
std::vector<Task> ReadTasks(const MemoryReader& memory, const proto::ChannelHeader& header,
                            std::vector<Malformed>& malformed);
// Reads one task again; false if its address or magic is wrong.
bool ReadTask(const MemoryReader& memory, proto::GuestPtr address, Task& task);
// All buckets of the pid hash.
std::vector<HashedTask> ReadPidHash(const MemoryReader& memory, const proto::ChannelHeader& header,
                                    std::vector<Malformed>& malformed);
// Process ids and pid namespaces.
PidTables ReadPidTables(const MemoryReader& memory, const proto::ChannelHeader& header,
                        std::vector<Malformed>& malformed);
// What `tasks` own and share.
ProcessTables ReadProcessTables(const MemoryReader& memory, const proto::ChannelHeader& header,
                                std::span<const Task> tasks, std::vector<Malformed>& malformed);
// The handlers of a Sighand; false if they cannot be read.
bool ReadHandlers(const MemoryReader& memory, proto::GuestPtr address, proto::SighandRecord& out);
// The list of address spaces; their VMAs and tables are left empty.
std::vector<Mm> ReadMms(const MemoryReader& memory, const proto::ChannelHeader& header,
                        std::vector<Malformed>& malformed);
// Fills `vmas` and `tree` of an address space whose record was read.
void ReadVmas(const MemoryReader& memory, Mm& mm, std::vector<Malformed>& malformed);
// The list of memory objects, with their pages.
std::vector<Object> ReadObjects(const MemoryReader& memory, const proto::ChannelHeader& header,
                                std::vector<Malformed>& malformed);
// Fills `pages` and `nodes` of an object whose record was read.
void ReadObjectPages(const MemoryReader& memory, Object& object, std::vector<Malformed>& malformed);
std::vector<SlabCache> ReadSlabs(const MemoryReader& memory, const proto::ChannelHeader& header,
                                 std::vector<Malformed>& malformed);
std::vector<proto::CpuRecord> ReadCpus(const MemoryReader& memory,
                                       const proto::ChannelHeader& header,
                                       std::vector<Malformed>& malformed);

// The frame that holds page `index` of the object at `address`, by the object's radix tree as it
// is in memory now; 0 if there is none.
uint64_t LookupObjectPage(const MemoryReader& memory, proto::GuestPtr address, uint64_t index);

}  // namespace fv::inspect
