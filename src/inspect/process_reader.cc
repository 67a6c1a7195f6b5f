// SPDX-License-Identifier: Apache-2.0
//
// See process_tables.h. Shared structures are read once, however many tasks name them.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <string>
#include <unordered_set>

#include "src/inspect/list_walk.h"
#include "src/inspect/structures.h"

namespace fv::inspect {
namespace {

using proto::GuestPtr;

constexpr uint64_t kMaxFutexBuckets = uint64_t{1} << 16;

class ProcessReader {
 public:
  ProcessReader(const MemoryReader& memory, const proto::ChannelHeader& header,
                std::vector<Malformed>& malformed)
      : memory_(memory), header_(header), malformed_(malformed) {}

  ProcessTables Read(std::span<const Task> tasks) {
    for (const Task& task : tasks) {
      ReadTask(task);
    }
    ReadList("list of users", header_.users, offsetof(proto::UserRecord, users), proto::kUserMagic,
             tables_.users);
    ReadList("list of open files", header_.open_files, offsetof(proto::FileRecord, open_files),
             proto::kFileMagic, tables_.files);
    ReadList("list of working directories", header_.fs_contexts,
             offsetof(proto::FsRecord, fs_contexts), proto::kFsMagic, tables_.fs);
    ReadFdTables();
    ReadTimers();
    ReadFutexes();
    std::vector<uint64_t>& frames = tables_.frames;
    std::sort(frames.begin(), frames.end());
    frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
    return std::move(tables_);
  }

 private:
  void Complain(GuestPtr address, std::string sentence, Area area = Area::kProcesses) {
    malformed_.push_back({area, 0, address, std::move(sentence)});
  }

  template <typename Record>
  bool Get(GuestPtr address, Record& record) {
    if (!memory_.ReadPtr(address, record)) {
      return false;
    }
    const uint64_t first = proto::PhysOfDirectMap(address);
    for (uint64_t pfn = first >> proto::kPageShift;
         pfn <= (first + sizeof(record) - 1) >> proto::kPageShift; ++pfn) {
      if (tables_.frames.empty() || tables_.frames.back() != pfn) {
        tables_.frames.push_back(pfn);
      }
    }
    return true;
  }

  template <typename Visit>
  void Walk(const std::string& what, GuestPtr head, uint64_t offset, Visit visit,
            Area area = Area::kProcesses) {
    if (auto broken =
            WalkList(memory_, head, offset, memory_.ram_bytes() / sizeof(proto::Link), visit)) {
      Complain(broken->address, what + ": " + broken->sentence, area);
    }
  }

  template <typename Record>
  void ReadList(const std::string& what, GuestPtr head, uint64_t offset, uint64_t magic,
                std::vector<At<Record>>& out) {
    Walk(what, head, offset, [&](GuestPtr address) {
      At<Record> at{address, {}};
      if (Get(address, at.record) && at.record.magic == magic) {
        out.push_back(at);
      } else {
        Complain(address, what + ": " + Hex(address) + " is none (wrong magic)");
      }
    });
  }

  void ReadTask(const Task& task) {
    const proto::TaskRecord& record = task.record;
    if (First(record.sighand)) {
      ReadHandlerHead(record.sighand);
    }
    if (First(record.signal)) {
      ReadGroup(record.signal);
    }
    if (First(record.credentials)) {
      At<proto::CredentialsRecord> at{record.credentials, {}};
      if (Get(at.address, at.record) && at.record.magic == proto::kCredentialsMagic) {
        tables_.credentials.push_back(at);
      } else {
        Complain(at.address, "credentials of pid " + std::to_string(record.pid) + ": " +
                                 Hex(at.address) + " are none (wrong magic)");
      }
    }
    if (record.pending_at != 0) {
      ReadPending(task.address, record.pending_at);
    }
  }

  // Names something that no task before named.
  bool First(GuestPtr address) { return address != 0 && seen_.insert(address).second; }

  void ReadHandlerHead(GuestPtr address) {
    struct Head {
      uint64_t magic;
      uint32_t refs;
      uint32_t padding;
    } head{};
    if (Get(address, head) && head.magic == proto::kSighandMagic) {
      tables_.handlers.push_back({address, head.refs});
    } else {
      Complain(address, "signal handlers: " + Hex(address) + " are none (wrong magic)");
    }
  }

  void ReadGroup(GuestPtr address) {
    SignalGroup group{address, {}, {}, {}};
    if (!Get(address, group.record) || group.record.magic != proto::kSignalMagic) {
      Complain(address, "signal structure: " + Hex(address) + " is none (wrong magic)");
      return;
    }
    const std::string of = " of the group at " + Hex(address);
    Walk("POSIX timers" + of, address + offsetof(proto::SignalRecord, posix_timers),
         offsetof(proto::PosixTimerRecord, link), [&](GuestPtr at) {
           At<proto::PosixTimerRecord> timer{at, {}};
           proto::SignalEntryRecord entry;
           if (Get(at, timer.record) && Get(timer.record.entry, entry)) {
             group.timers.push_back(timer);
             group.timer_users.push_back(entry.user);
           }
         });
    ReadPending(address, group.record.shared_pending_at);
    for (const GuestPtr queue : {group.record.child_exit_at, group.record.exec_wait_at}) {
      const auto add = [&](GuestPtr at) {
        QueuedWaiter waiter{queue, {at, {}}};
        if (Get(at, waiter.waiter.record)) {
          tables_.waiters.push_back(waiter);
        }
      };
      Walk("wait queue" + of, queue, offsetof(proto::WaiterRecord, link), add, Area::kQueues);
    }
    tables_.groups.push_back(std::move(group));
  }

  // The head lies in the owner: its frame is the owner's business.
  void ReadPending(GuestPtr owner, GuestPtr at) {
    PendingSignals pending{owner, {at, {}}, {}};
    if (!memory_.ReadPtr(at, pending.head.record)) {
      Complain(at, "pending signals of " + Hex(owner) + " are not in guest RAM");
      return;
    }
    Walk("pending signals of " + Hex(owner), at + offsetof(proto::PendingRecord, queue),
         offsetof(proto::SignalEntryRecord, link), [&](GuestPtr entry) {
           At<proto::SignalEntryRecord> read{entry, {}};
           if (Get(entry, read.record)) {
             pending.queue.push_back(read);
           }
         });
    tables_.pending.push_back(std::move(pending));
  }

  void ReadFdTables() {
    const std::string what = "list of descriptor tables";
    Walk(what, header_.fd_tables, offsetof(proto::FdTableRecord, fd_tables), [&](GuestPtr address) {
      proto::FdTableRecord record;
      if (!Get(address, record) || record.magic != proto::kFdTableMagic) {
        Complain(address, what + ": " + Hex(address) + " is none (wrong magic)");
        return;
      }
      FdTable table{address, record.users, record.open, record.lowest_free, {}};
      AddChunk(record.first, 0, table);
      constexpr uint32_t kMost = proto::kFdDirectorySlots * proto::kFdDirectories;
      for (uint32_t chunk = 1; chunk < std::min(record.chunks, kMost); ++chunk) {
        const GuestPtr directory = record.directories[chunk / proto::kFdDirectorySlots];
        uint64_t at = 0;
        proto::FdChunkRecord read;
        if (directory == 0 || !Get(directory + chunk % proto::kFdDirectorySlots * sizeof(at), at) ||
            at == 0) {
          continue;
        }
        if (Get(at, read)) {
          AddChunk(read, chunk * proto::kFdChunkSlots, table);
        } else {
          Complain(at, "a chunk of the descriptor table " + Hex(address) + " is not in guest RAM");
        }
      }
      tables_.fd_tables.push_back(std::move(table));
    });
  }

  static void AddChunk(const proto::FdChunkRecord& chunk, uint32_t first, FdTable& table) {
    for (uint64_t left = chunk.used; left != 0; left &= left - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(left));
      const uint64_t slot = chunk.slots[i];
      table.slots.push_back({first + i, FileRecordOf(slot & ~proto::kFdCloseOnExec),
                             (slot & proto::kFdCloseOnExec) != 0});
    }
  }

  // Parents before children; `prev` of each must be where it was reached from, so each is reached
  // once.
  void ReadTimers() {
    GuestPtr root = 0;
    if (!memory_.ReadPtr(header_.timers, root)) {
      Complain(header_.timers, "the root of the timers is not in guest RAM", Area::kQueues);
      return;
    }
    struct Step {
      GuestPtr at, from;
    };
    std::vector<Step> left;
    if (root != 0) {
      left.push_back({root, 0});
    }
    const uint64_t limit = memory_.ram_bytes() / sizeof(proto::TimerRecord);
    while (!left.empty() && tables_.timers.size() < limit) {
      const Step step = left.back();
      left.pop_back();
      At<proto::TimerRecord> timer{step.at, {}};
      if (!Get(step.at, timer.record)) {
        Complain(step.from, "the heap of timers points to " + Hex(step.at), Area::kQueues);
        return;
      }
      if (timer.record.prev != step.from) {
        Complain(step.at,
                 "the timer " + Hex(step.at) + " was reached from " + Hex(step.from) +
                     " but its prev is " + Hex(timer.record.prev),
                 Area::kQueues);
        return;
      }
      if (timer.record.next != 0) {
        left.push_back({timer.record.next, step.at});
      }
      if (timer.record.child != 0) {
        left.push_back({timer.record.child, step.at});
      }
      tables_.timers.push_back(timer);
    }
  }

  void ReadFutexes() {
    if (header_.futex_bucket_count == 0 || header_.futex_bucket_count > kMaxFutexBuckets) {
      Complain(header_.futex_buckets,
               std::to_string(header_.futex_bucket_count) + " futex buckets are out of range",
               Area::kQueues);
      return;
    }
    for (uint32_t bucket = 0; bucket < header_.futex_bucket_count; ++bucket) {
      const GuestPtr head = header_.futex_buckets + bucket * sizeof(proto::Link);
      const auto add = [&](GuestPtr at) {
        QueuedFutex waiter{bucket, {at, {}}};
        if (Get(at, waiter.waiter.record)) {
          tables_.futexes.push_back(waiter);
        }
      };
      Walk("futex bucket " + std::to_string(bucket), head, offsetof(proto::FutexWaiterRecord, link),
           add, Area::kQueues);
      if (!proto::InDirectMap(head, memory_.ram_bytes())) {
        break;  // one sentence is enough for an array that is not there
      }
    }
  }

  const MemoryReader& memory_;
  const proto::ChannelHeader& header_;
  std::vector<Malformed>& malformed_;
  ProcessTables tables_;
  std::unordered_set<GuestPtr> seen_;
};

}  // namespace

ProcessTables ReadProcessTables(const MemoryReader& memory, const proto::ChannelHeader& header,
                                std::span<const Task> tasks, std::vector<Malformed>& malformed) {
  return ProcessReader(memory, header, malformed).Read(tasks);
}

bool ReadHandlers(const MemoryReader& memory, proto::GuestPtr address, proto::SighandRecord& out) {
  return memory.ReadPtr(address, out) && out.magic == proto::kSighandMagic;
}

}  // namespace fv::inspect
