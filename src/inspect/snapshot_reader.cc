// SPDX-License-Identifier: Apache-2.0
//
// One structure after the other; tables last, as they need the address spaces.
#include "src/inspect/snapshot_reader.h"

#include <algorithm>
#include <cstring>

#include "src/inspect/structures.h"
#include "src/inspect/table_reader.h"

namespace fv::inspect {
namespace {

void ReadFrames(const MemoryReader& memory, const proto::ChannelHeader& header,
                std::vector<proto::FrameRecord>& frames) {
  const uint64_t count = UsedFrames(header);
  frames.resize(count);
  const uint64_t table = proto::PhysOfDirectMap(header.frame_table);
  for (uint64_t pfn = 0; pfn < count; ++pfn) {
    const uint64_t words[2] = {memory.Word(table + 16 * pfn), memory.Word(table + 16 * pfn + 8)};
    std::memcpy(&frames[pfn], words, sizeof(words));
  }
}

}  // namespace

uint64_t UsedFrames(const proto::ChannelHeader& header) {
  return std::min(header.frame_high_water, header.frame_count);
}

absl::Status SnapshotReader::ReadInto(Snapshot& snapshot) {
  auto header = channel_.LiveHeader();
  if (!header.ok()) {
    return header.status();
  }
  snapshot.ram_bytes = memory_.ram_bytes();
  snapshot.header = *header;
  snapshot.malformed.clear();
  snapshot.tables.clear();
  snapshot.entries.clear();
  snapshot.tasks = ReadTasks(memory_, *header, snapshot.malformed);
  snapshot.pid_hash = ReadPidHash(memory_, *header, snapshot.malformed);
  snapshot.ids = ReadPidTables(memory_, *header, snapshot.malformed);
  snapshot.processes = ReadProcessTables(memory_, *header, snapshot.tasks, snapshot.malformed);
  snapshot.mms = ReadMms(memory_, *header, snapshot.malformed);
  for (Mm& mm : snapshot.mms) {
    ReadVmas(memory_, mm, snapshot.malformed);
  }
  snapshot.objects = ReadObjects(memory_, *header, snapshot.malformed);
  snapshot.slabs = ReadSlabs(memory_, *header, snapshot.malformed);
  snapshot.cpus = ReadCpus(memory_, *header, snapshot.malformed);
  ReadFrames(memory_, *header, snapshot.frames);
  ReadTables(memory_, snapshot, table_of_);
  return absl::OkStatus();
}

}  // namespace fv::inspect
