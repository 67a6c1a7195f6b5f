// SPDX-License-Identifier: Apache-2.0
//
// Process ids, pid namespaces and the hash of numbers.
#include <cstddef>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/structures.h"

namespace fv::inspect {
namespace {

constexpr uint64_t kMaxBuckets = uint64_t{1} << 20;
constexpr uint32_t kMaxLevel = 32;

// Reads the numbers below the initial namespace; a level out of range has none.
bool ReadDeeper(const MemoryReader& memory, Pid& pid) {
  if (pid.record.level > kMaxLevel) {
    return false;
  }
  for (uint32_t level = 1; level <= pid.record.level; ++level) {
    const proto::GuestPtr at =
        pid.record.deeper + (level - 1) * uint64_t{sizeof(proto::PidNumberRecord)};
    PidNumber number{at, {}};
    if (!memory.ReadPtr(at, number.record)) {
      return false;
    }
    pid.numbers.push_back(number);
  }
  return true;
}

void ReadPids(const MemoryReader& memory, const proto::ChannelHeader& header,
              std::vector<Pid>& pids, std::vector<Malformed>& malformed) {
  auto visit = [&](proto::GuestPtr address) {
    Pid pid{address, {}, {}};
    if (!memory.ReadPtr(address, pid.record) || pid.record.magic != proto::kPidMagic) {
      malformed.push_back({Area::kTasks, 0, address,
                           "list of ids: " + Hex(address) + " is not an id (wrong magic)"});
      return;
    }
    pid.numbers.push_back({address + offsetof(proto::PidRecord, root), pid.record.root});
    if (!ReadDeeper(memory, pid)) {
      malformed.push_back({Area::kTasks, 0, address,
                           "id " + Hex(address) + ": the numbers of its " +
                               std::to_string(pid.record.level) + " levels cannot be read"});
    }
    pids.push_back(std::move(pid));
  };
  if (auto broken = WalkList(memory, header.pids, offsetof(proto::PidRecord, pids),
                             memory.ram_bytes() / sizeof(proto::PidRecord), visit)) {
    malformed.push_back({Area::kTasks, 0, broken->address, "list of ids: " + broken->sentence});
  }
}

void ReadSpaces(const MemoryReader& memory, const proto::ChannelHeader& header,
                std::vector<PidSpace>& spaces, std::vector<Malformed>& malformed) {
  auto visit = [&](proto::GuestPtr address) {
    PidSpace space{address, {}};
    if (!memory.ReadPtr(address, space.record) || space.record.magic != proto::kPidNamespaceMagic) {
      malformed.push_back({Area::kTasks, 0, address,
                           "list of pid namespaces: " + Hex(address) + " is none (wrong magic)"});
      return;
    }
    spaces.push_back(space);
  };
  if (auto broken =
          WalkList(memory, header.pid_namespaces, offsetof(proto::PidNamespaceRecord, spaces),
                   memory.ram_bytes() / sizeof(proto::PidNamespaceRecord), visit)) {
    malformed.push_back(
        {Area::kTasks, 0, broken->address, "list of pid namespaces: " + broken->sentence});
  }
}

void ReadHash(const MemoryReader& memory, const proto::ChannelHeader& header,
              std::vector<HashedNumber>& hash, std::vector<Malformed>& malformed) {
  const uint64_t buckets = header.pid_number_buckets;
  if (buckets == 0 || (buckets & (buckets - 1)) != 0 || buckets > kMaxBuckets) {
    malformed.push_back(
        {Area::kTasks, 0, header.pid_numbers,
         "hash of ids: " + std::to_string(buckets) + " buckets is not a power of two in range"});
    return;
  }
  uint64_t left = memory.ram_bytes() / sizeof(proto::PidNumberRecord);
  for (uint64_t bucket = 0; bucket < buckets; ++bucket) {
    auto visit = [&](proto::GuestPtr address) {
      hash.push_back({static_cast<uint32_t>(bucket), address});
      --left;
    };
    if (auto broken = WalkList(memory, header.pid_numbers + bucket * sizeof(proto::Link),
                               offsetof(proto::PidNumberRecord, hash), left, visit)) {
      malformed.push_back(
          {Area::kTasks, 0, broken->address,
           "hash of ids, bucket " + std::to_string(bucket) + ": " + broken->sentence});
      if (!proto::InDirectMap(header.pid_numbers, memory.ram_bytes())) {
        break;  // one sentence is enough for an array that is not there
      }
    }
  }
}

}  // namespace

PidTables ReadPidTables(const MemoryReader& memory, const proto::ChannelHeader& header,
                        std::vector<Malformed>& malformed) {
  PidTables tables;
  tables.buckets = header.pid_number_buckets;
  ReadPids(memory, header, tables.pids, malformed);
  ReadSpaces(memory, header, tables.spaces, malformed);
  ReadHash(memory, header, tables.hash, malformed);
  return tables;
}

}  // namespace fv::inspect
