// SPDX-License-Identifier: Apache-2.0
//
// Tasks, the pid hash and the CPUs.
#include <cstddef>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/structures.h"

namespace fv::inspect {
namespace {

constexpr uint64_t kMaxPidBuckets = uint64_t{1} << 20;
constexpr uint64_t kMaxCpus = 256;

uint64_t TaskLimit(const MemoryReader& memory) {
  return memory.ram_bytes() / sizeof(proto::TaskRecord);
}

}  // namespace

bool ReadTask(const MemoryReader& memory, proto::GuestPtr address, Task& task) {
  task.address = address;
  task.stack_readable = false;
  task.stack_canary = 0;
  if (!memory.ReadPtr(address, task.record) || task.record.magic != proto::kTaskMagic) {
    return false;
  }
  const proto::GuestPtr stack = task.record.stack;
  if (stack != 0 && proto::InDirectMap(stack, memory.ram_bytes())) {
    const uint64_t gpa = proto::PhysOfDirectMap(stack);
    if (gpa % proto::kKernelStackBytes == 0 && memory.Contains(gpa, proto::kKernelStackBytes)) {
      task.stack_readable = true;
      task.stack_canary = memory.Word(gpa);
    }
  }
  return true;
}

std::vector<Task> ReadTasks(const MemoryReader& memory, const proto::ChannelHeader& header,
                            std::vector<Malformed>& malformed) {
  std::vector<Task> tasks;
  auto visit = [&](proto::GuestPtr address) {
    Task task;
    if (ReadTask(memory, address, task)) {
      tasks.push_back(task);
    } else {
      malformed.push_back({Area::kTasks, 0, address,
                           "task list: " + Hex(address) + " is not a task (wrong magic)"});
    }
  };
  if (auto broken = WalkList(memory, header.tasks, offsetof(proto::TaskRecord, tasks),
                             TaskLimit(memory), visit)) {
    malformed.push_back({Area::kTasks, 0, broken->address, "task list: " + broken->sentence});
  }
  return tasks;
}

std::vector<HashedTask> ReadPidHash(const MemoryReader& memory, const proto::ChannelHeader& header,
                                    std::vector<Malformed>& malformed) {
  std::vector<HashedTask> hash;
  const uint64_t buckets = header.pid_buckets;
  if (buckets == 0 || (buckets & (buckets - 1)) != 0 || buckets > kMaxPidBuckets) {
    malformed.push_back(
        {Area::kTasks, 0, header.pid_hash,
         "pid hash: " + std::to_string(buckets) + " buckets is not a power of two in range"});
    return hash;
  }
  uint64_t left = TaskLimit(memory);
  for (uint64_t bucket = 0; bucket < buckets; ++bucket) {
    auto visit = [&](proto::GuestPtr address) {
      hash.push_back({static_cast<uint32_t>(bucket), address});
      --left;
    };
    if (auto broken = WalkList(memory, header.pid_hash + bucket * sizeof(proto::Link),
                               offsetof(proto::TaskRecord, pid_hash), left, visit)) {
      malformed.push_back({Area::kTasks, 0, broken->address,
                           "pid hash, bucket " + std::to_string(bucket) + ": " + broken->sentence});
      if (!proto::InDirectMap(header.pid_hash, memory.ram_bytes())) {
        break;  // one sentence is enough for an array that is not there
      }
    }
  }
  return hash;
}

std::vector<proto::CpuRecord> ReadCpus(const MemoryReader& memory,
                                       const proto::ChannelHeader& header,
                                       std::vector<Malformed>& malformed) {
  std::vector<proto::CpuRecord> cpus;
  if (header.cpu_count == 0 || header.cpu_count > kMaxCpus) {
    malformed.push_back({Area::kCpus, 0, header.cpus,
                         "the channel names " + std::to_string(header.cpu_count) + " CPUs"});
    return cpus;
  }
  for (uint64_t i = 0; i < header.cpu_count; ++i) {
    proto::CpuRecord cpu;
    if (!memory.ReadPtr(header.cpus + i * sizeof(cpu), cpu)) {
      malformed.push_back({Area::kCpus, 0, header.cpus,
                           "CPU record " + std::to_string(i) + " is not in guest RAM"});
      break;
    }
    cpus.push_back(cpu);
  }
  return cpus;
}

}  // namespace fv::inspect
