// SPDX-License-Identifier: Apache-2.0
//
// Page tables are laid into a memory of the guest's size, from where they are read as a guest's
// are: a recording is believed as little as a guest. Kernel objects that a recording does not place
// get addresses that are theirs alone.
#include "src/recording/recorded_moment.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/inspect/table_reader.h"
#include "src/query/mappings.h"
#include "src/recording/record_reader.h"
#include "src/recording/state.h"

namespace fv::recording {
namespace {

using proto::GuestPtr;
using proto::kKernelBase;
using proto::kPageBytes;
using proto::kPageShift;

constexpr size_t kMostEvents = 65536;

// A recording, read up to a step.
struct Reading {
  schema::Header header;
  State state;
  std::deque<proto::EventRecord> events;  // the last ones
  uint64_t seen = 0;                      // events in all
  uint64_t steps = 0;
  bool has_state = false;
};

void TakeEvents(const schema::Step& step, Reading& reading) {
  uint64_t tsc = step.tsc();
  for (const schema::Event& event : step.events()) {
    tsc += event.after();
    proto::EventRecord record{};
    record.sequence = reading.seen++;
    record.tsc = tsc;
    record.kind = static_cast<proto::EventKind>(
        std::min<uint32_t>(event.kind(), static_cast<uint32_t>(proto::EventKind::kCount)));
    record.pid = event.pid();
    uint64_t* const arguments[] = {&record.a, &record.b, &record.c, &record.d, &record.e};
    const int most = static_cast<int>(std::size(arguments));
    for (int i = 0; i < std::min(event.arguments_size(), most); ++i) {
      *arguments[i] = event.arguments(i);
    }
    reading.events.push_back(record);
    if (reading.events.size() > kMostEvents) reading.events.pop_front();
  }
}

absl::Status CheckHeader(const schema::Header& header) {
  if (header.layout_hash() != proto::kLayoutHash) {
    return absl::FailedPreconditionError(
        "the recording was made by another version of this program, which may have meant other "
        "things by its numbers");
  }
  const uint64_t ram = header.ram_bytes();
  if (ram < proto::kMinRamBytes || ram > proto::kMaxRamBytes || ram % proto::kHugePageBytes != 0) {
    return absl::DataLossError(absl::StrCat("no guest has ", ram, " bytes of memory"));
  }
  return absl::OkStatus();
}

// Takes a record, unless it is that of a step behind `last`: false.
absl::StatusOr<bool> Take(const schema::Record& record, uint64_t last, Reading& reading) {
  const bool is_step = record.has_step() || (record.has_keyframe() && reading.has_state);
  if (is_step && reading.steps == last) return false;
  if (record.has_header()) {
    reading.header = record.header();
    const absl::Status status = CheckHeader(reading.header);
    if (!status.ok()) return status;
  }
  const absl::Status applied = Apply(record, reading.state);
  if (!applied.ok()) return applied;
  reading.has_state = reading.has_state || record.has_keyframe();
  reading.steps += is_step;
  if (record.has_step()) TakeEvents(record.step(), reading);
  return true;
}

absl::StatusOr<Reading> ReadTo(std::span<const uint8_t> recording, uint64_t step) {
  absl::StatusOr<RecordReader> reader = RecordReader::Open(recording);
  if (!reader.ok()) return reader.status();
  Reading reading;
  while (const std::optional<schema::Record> record = reader->Next()) {
    const absl::StatusOr<bool> taken = Take(*record, step, reading);
    if (!taken.ok()) return taken.status();
    if (!*taken) break;
  }
  if (!reading.has_state) {
    return absl::NotFoundError(absl::StrCat("the recording has no state", reader->HowItEnds()));
  }
  if (reading.steps < step) {
    return absl::NotFoundError(absl::StrCat("the recording has steps 0 to ", reading.steps,
                                            ", no step ", step, reader->HowItEnds()));
  }
  return reading;
}

// ---- From a state to a snapshot ----------------------------------------------------------------

// Tasks have no addresses in a recording: each gets one by its pid.
GuestPtr TaskAddress(uint32_t pid) {
  return kKernelBase + proto::kMaxRamBytes + uint64_t{pid} * sizeof(proto::TaskRecord);
}

class Maker {
 public:
  explicit Maker(const Reading& reading)
      : state_(reading.state), ram_bytes_(reading.header.ram_bytes()) {
    moment_.copy = vmm::Mapping::Reserve(ram_bytes_);
    moment_.memory = inspect::MemoryReader(moment_.copy->data(), ram_bytes_);
    moment_.contents = query::Contents::kTables;
    moment_.strategies = {reading.header.strategies().begin(), reading.header.strategies().end()};
    moment_.events.assign(reading.events.begin(), reading.events.end());
    moment_.snapshot.ram_bytes = ram_bytes_;
  }

  absl::StatusOr<query::Moment> Make() {
    if (!LayTables() || !MakeFrames()) {
      return absl::DataLossError("the recording is wrong: a frame outside of memory");
    }
    MakeMms();
    MakeTasks();
    std::vector<int32_t> table_of;
    inspect::ReadTables(moment_.memory, moment_.snapshot, table_of);
    CountResident();
    CountReferences();
    return std::move(moment_);
  }

 private:
  uint64_t frames() const { return ram_bytes_ >> kPageShift; }

  bool LayTables() {
    for (const auto& [frame, table] : state_.tables) {
      if (frame >= frames()) return false;
      static_assert(sizeof(table.entries) == kPageBytes);
      std::memcpy(moment_.copy->data() + (uint64_t{frame} << kPageShift), table.entries.data(),
                  kPageBytes);
    }
    return true;
  }

  bool MakeFrames() {
    if (state_.frames.empty()) return true;
    const uint64_t count = uint64_t{state_.frames.rbegin()->first} + 1;
    if (count > frames()) return false;
    moment_.snapshot.frames.resize(count);
    for (const auto& [frame, recorded] : state_.frames) {
      proto::FrameRecord& record = moment_.snapshot.frames[frame];
      record.state = static_cast<proto::FrameState>(recorded.state);
      record.pins = static_cast<uint16_t>(recorded.pins);
    }
    return true;
  }

  void MakeMms() {
    for (const auto& [id, recorded] : state_.mms) {
      inspect::Mm& mm = moment_.snapshot.mms.emplace_back();
      mm.address = kKernelBase + recorded.address;
      mm.record.root_gpa = uint64_t{recorded.root} << kPageShift;
      mm.record.fork_strategy = recorded.strategy;
      for (const auto& [page, fields] : recorded.vmas) {
        inspect::Vma& vma = mm.vmas.emplace_back();
        // As with tasks: one that nothing else has.
        vma.address = kKernelBase + 2 * proto::kMaxRamBytes + vmas_++ * sizeof(proto::VmaRecord);
        vma.record.mm = mm.address;
        vma.record.start = fields.page << kPageShift;
        vma.record.end = (fields.page + fields.pages) << kPageShift;
        vma.record.flags = fields.flags;
        vma.record.page_offset = fields.page_offset;
        vma.record.object = fields.object == 0 ? 0 : kKernelBase + fields.object;
        const auto file = recorded.files.find(page);
        if (file == recorded.files.end()) continue;
        const auto path = state_.file_names.find(file->second);
        if (path != state_.file_names.end()) moment_.paths[vma.address] = path->second;
      }
    }
  }

  void MakeTasks() {
    for (const auto& [pid, recorded] : state_.tasks) {
      inspect::Task& task = moment_.snapshot.tasks.emplace_back();
      task.address = TaskAddress(pid);
      task.record.pid = pid;
      task.record.tgid = recorded.tgid;
      task.record.state = static_cast<proto::TaskState>(recorded.state);
      task.record.exit_code = recorded.exit_status;
      task.record.parent = recorded.ppid == 0 ? 0 : TaskAddress(recorded.ppid);
      task.record.leader = TaskAddress(recorded.tgid);
      const auto mm = state_.mms.find(recorded.mm);
      if (mm != state_.mms.end()) task.record.mm = kKernelBase + mm->second.address;
      recorded.name.copy(task.record.comm, sizeof(task.record.comm) - 1);
    }
    proto::CpuRecord cpu{};
    cpu.current = state_.running == 0 ? 0 : TaskAddress(state_.running);
    moment_.snapshot.cpus = {cpu};
  }

  // What the kernel counts in MmRecord, counted in the tables.
  void CountResident() {
    for (inspect::Mm& mm : moment_.snapshot.mms) {
      uint64_t anon = 0;
      uint64_t file = 0;
      query::ForEachMapping(moment_.snapshot, mm, [&](const query::Mapping& mapping) {
        if (!query::MapsCountedFrame(mapping.pte)) return;
        const auto state = moment_.snapshot.Frame(inspect::PfnOf(mapping.pte)).state;
        ++(state == proto::FrameState::kFile ? file : anon);
      });
      mm.record.anon_pages = anon;
      mm.record.file_pages = file;
      mm.record.table_frames = mm.table_count;
      mm.record.shared_tables = mm.shared_count;
    }
  }

  // What a frame's count has to be (docs/invariants.md): a recording does not repeat it.
  void CountReferences() {
    inspect::Snapshot& snapshot = moment_.snapshot;
    for (uint32_t i = 0; i < snapshot.tables.size(); ++i) {
      const inspect::Table& table = snapshot.tables[i];
      if (table.pfn < snapshot.frames.size()) snapshot.frames[table.pfn].refs = table.parents;
      for (unsigned slot = 0; table.level == 1 && slot < proto::kEntriesPerTable; ++slot) {
        const proto::Pte pte = snapshot.TableEntries(i)[slot];
        const uint64_t pfn = inspect::PfnOf(pte);
        if (query::MapsCountedFrame(pte) && pfn < snapshot.frames.size()) {
          ++snapshot.frames[pfn].refs;
        }
      }
    }
    for (proto::FrameRecord& frame : snapshot.frames) {
      const bool user =
          frame.state == proto::FrameState::kAnon || frame.state == proto::FrameState::kFile;
      if (user) frame.refs += frame.pins + (frame.state == proto::FrameState::kFile ? 1 : 0);
    }
  }

  const State& state_;
  const uint64_t ram_bytes_;
  query::Moment moment_;
  uint64_t vmas_ = 0;
};

}  // namespace

absl::StatusOr<query::Moment> MomentAt(std::span<const uint8_t> recording, uint64_t step) {
  absl::StatusOr<Reading> reading = ReadTo(recording, step);
  if (!reading.ok()) return reading.status();
  return Maker(*reading).Make();
}

}  // namespace fv::recording
