// SPDX-License-Identifier: Apache-2.0
//
// Reading a snapshot file. Nothing in it is believed: checksums find what was damaged, and the
// checks behind them what was made to harm.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "proto/channel.h"
#include "proto/layout.h"
#include "vmm/error.h"
#include "vmm/fd.h"
#include "vmm/kvm.h"
#include "vmm/machine_config.h"
#include "vmm/snapshot/file_layout.h"
#include "vmm/snapshot/hash.h"
#include "vmm/snapshot/snapshot_file.h"

namespace fv::vmm {
namespace {

using file::SectionKind;
using proto::kPageBytes;

class Reader {
 public:
  explicit Reader(const std::string& path)
      : path_(path),
        file_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {  // a pipe waits for nobody
    struct stat status {};
    if (!file_.valid() || ::fstat(file_.get(), &status) != 0) Refuse(std::strerror(errno));
    if (!S_ISREG(status.st_mode)) Refuse("not a regular file");
    bytes_ = static_cast<uint64_t>(status.st_size);
    ReadHeader();
  }

  [[noreturn]] void Refuse(const std::string& reason) const {
    throw VmmError(VmmErrorKind::kBadConfig, path_ + ": " + reason);
  }
  void Require(bool holds, const char* otherwise) const {
    if (!holds) Refuse(otherwise);
  }

  const file::Section& section(SectionKind kind) const {
    return header_.sections[static_cast<uint32_t>(kind)];
  }

  // A section of whole Ts, at most `most` of them, its checksum verified.
  template <typename T>
  std::vector<T> Load(SectionKind kind, uint64_t most) {
    const file::Section& from = section(kind);
    Require(from.bytes % sizeof(T) == 0 && from.bytes / sizeof(T) <= most,
            "a section has an impossible size");
    std::vector<T> values(from.bytes / sizeof(T));
    auto* bytes = reinterpret_cast<uint8_t*>(values.data());
    ReadAt(bytes, from.bytes, from.offset);
    Require(HashBytes({bytes, from.bytes}) == from.hash, "damaged: a checksum is wrong");
    return values;
  }

  void CheckPages() {
    const file::Section& pages = section(SectionKind::kPages);
    Require(pages.offset % kPageBytes == 0 && pages.bytes % kPageBytes == 0,
            "its pages are not aligned");
    constexpr uint64_t kChunk = 256 * kPageBytes;
    std::vector<uint8_t> chunk(std::min(kChunk, pages.bytes));
    ByteHash hash;
    for (uint64_t done = 0; done < pages.bytes; done += chunk.size()) {
      const uint64_t count = std::min<uint64_t>(chunk.size(), pages.bytes - done);
      ReadAt(chunk.data(), count, pages.offset + done);
      hash.Add({chunk.data(), count});
    }
    Require(hash.value() == pages.hash, "damaged: the checksum of its pages is wrong");
  }

  Fd TakeFile() { return std::move(file_); }

 private:
  void ReadAt(uint8_t* to, uint64_t bytes, uint64_t offset) {
    while (bytes > 0) {
      const ssize_t got = ::pread(file_.get(), to, bytes, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) Refuse(std::strerror(errno));
      if (got == 0) Refuse("cut short");
      to += got;
      bytes -= static_cast<uint64_t>(got);
      offset += static_cast<uint64_t>(got);
    }
  }

  void ReadHeader() {
    uint64_t magic = 0;
    Require(bytes_ >= sizeof(magic), "no snapshot");
    ReadAt(reinterpret_cast<uint8_t*>(&magic), sizeof(magic), 0);
    Require(magic == file::kMagic, "no snapshot");
    Require(bytes_ >= sizeof(header_), "cut short");
    auto* start = reinterpret_cast<uint8_t*>(&header_);
    ReadAt(start, sizeof(header_), 0);
    if (header_.version != kSnapshotFileVersion) {
      Refuse("a snapshot of format version " + std::to_string(header_.version) +
             "; this build reads version " + std::to_string(kSnapshotFileVersion));
    }
    Require(HashBytes({start, offsetof(file::Header, hash)}) == header_.hash,
            "damaged: the header's checksum is wrong");
    Require(header_.section_count == file::kSections, "another number of sections");
    Require(header_.layout_hash == proto::kLayoutHash, "a snapshot of another build's guest");
    for (const file::Section& section : header_.sections) {
      Require(section.offset >= sizeof(header_) && section.offset <= bytes_ &&
                  section.bytes <= bytes_ - section.offset,
              "cut short");
    }
  }

  std::string path_;
  Fd file_;
  uint64_t bytes_ = 0;
  file::Header header_{};
};

void CheckMachine(const Reader& reader, const file::Machine& machine,
                  std::optional<uint64_t> kernel_id) {
  const proto::BootInfo& boot = machine.boot;
  reader.Require(boot.magic == proto::kBootMagic && boot.version == proto::kContractVersion &&
                     boot.layout_hash == proto::kLayoutHash,
                 "its boot information is another build's");
  reader.Require(!kernel_id || machine.kernel_id == *kernel_id,
                 "its guest kernel is another one than this build's (see --kernel)");
  reader.Require(boot.ram_bytes >= proto::kMinRamBytes && boot.ram_bytes <= proto::kMaxRamBytes &&
                     boot.ram_bytes % proto::kHugePageBytes == 0,
                 "its memory has an impossible size");
  const auto in_ram = [&](uint64_t gpa, uint64_t bytes) {
    return gpa % kPageBytes == 0 && gpa <= boot.ram_bytes && bytes <= boot.ram_bytes - gpa;
  };
  reader.Require(
      in_ram(boot.channel_gpa, proto::kChannelBytes) && boot.channel_bytes == proto::kChannelBytes,
      "its channel is not in memory");
  reader.Require(in_ram(boot.kernel_root_gpa, kPageBytes), "its kernel's root is not in memory");
  reader.Require(boot.kernel_ring == 0 || boot.kernel_ring == 3, "its kernel is in no ring");
  constexpr uint64_t kFastestTscKhz = 100'000'000;
  reader.Require(boot.tsc_khz > 0 && boot.tsc_khz <= kFastestTscKhz, "its clock has no rate");
  constexpr uint64_t kLongestTickNs = 1'000'000'000;
  reader.Require(machine.tick_ns == 0 ||
                     (machine.tick_ns >= kShortestTickNs && machine.tick_ns <= kLongestTickNs),
                 "its tick has an impossible period");
  reader.Require(machine.xcrs.nr_xcrs <= KVM_MAX_XCRS, "it has too many control registers");
}

// Extents as the image wants them, counted from the start of the file.
std::vector<Extent> CheckedExtents(Reader& reader, uint64_t ram_bytes) {
  const file::Section& pages = reader.section(SectionKind::kPages);
  const uint64_t frames = ram_bytes / kPageBytes;
  std::vector<Extent> extents = reader.Load<Extent>(SectionKind::kExtents, file::kMostExtents);
  uint64_t next_frame = 0;
  for (Extent& extent : extents) {
    reader.Require(extent.first >= next_frame && extent.first < frames && extent.count > 0 &&
                       extent.count <= frames - extent.first,
                   "its pages are not in memory, or not in order");
    reader.Require(extent.offset % kPageBytes == 0 && extent.offset <= pages.bytes &&
                       extent.count <= (pages.bytes - extent.offset) / kPageBytes,
                   "its pages are not in the file");
    next_frame = extent.first + extent.count;
    extent.offset += pages.offset;
  }
  return extents;
}

}  // namespace

bool IsSnapshotFile(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  uint64_t magic = 0;
  return file.valid() && ::pread(file.get(), &magic, sizeof(magic), 0) == sizeof(magic) &&
         magic == file::kMagic;
}

std::shared_ptr<const Snapshot> ReadSnapshotFile(const std::string& path,
                                                 std::optional<uint64_t> kernel_id) {
  Reader reader(path);
  const std::vector<file::Machine> machines = reader.Load<file::Machine>(SectionKind::kMachine, 1);
  reader.Require(machines.size() == 1, "it has no machine");
  const file::Machine& machine = machines[0];
  CheckMachine(reader, machine, kernel_id);

  auto snapshot = std::make_shared<Snapshot>();
  snapshot->boot = machine.boot;
  snapshot->kernel_id = machine.kernel_id;
  snapshot->tick_ns = machine.tick_ns;
  snapshot->ring0_emulated = machine.ring0_emulated != 0;
  snapshot->cpuid = reader.Load<kvm_cpuid_entry2>(SectionKind::kCpuid, kMaxCpuidEntries);
  snapshot->cpu.regs = machine.regs;
  snapshot->cpu.sregs = machine.sregs;
  snapshot->cpu.debug = machine.debug;
  snapshot->cpu.events = machine.events;
  snapshot->cpu.mp = machine.mp;
  snapshot->cpu.xcrs = machine.xcrs;
  snapshot->cpu.msrs = reader.Load<kvm_msr_entry>(SectionKind::kMsrs, kMaxMsrs);
  snapshot->cpu.xsave = reader.Load<uint8_t>(SectionKind::kXsave, file::kMostXsaveBytes);
  reader.Require(snapshot->cpu.xsave.size() >= sizeof(kvm_xsave),
                 "its extended state is too small");
  if (machine.tick_due != 0) snapshot->tick = Tick::Due();
  snapshot->kernel_tsc = machine.kernel_tsc;
  std::vector<Extent> extents = CheckedExtents(reader, machine.boot.ram_bytes);
  reader.CheckPages();
  snapshot->ram = RamImage::OfFile(reader.TakeFile(), machine.boot.ram_bytes, std::move(extents));
  return snapshot;
}

}  // namespace fv::vmm
