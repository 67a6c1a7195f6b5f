// SPDX-License-Identifier: Apache-2.0
//
// Writing a snapshot file: sections first, the header with their checksums last.
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "proto/channel.h"
#include "proto/layout.h"
#include "vmm/error.h"
#include "vmm/file_bytes.h"
#include "vmm/page_up.h"
#include "vmm/snapshot/extents.h"
#include "vmm/snapshot/file_layout.h"
#include "vmm/snapshot/hash.h"
#include "vmm/snapshot/snapshot_file.h"
#include "vmm/whole_file.h"

namespace fv::vmm {
namespace {

using file::SectionKind;
using proto::kPageBytes;

template <typename T>
std::span<const uint8_t> BytesOf(const T* from, size_t count) {
  return {reinterpret_cast<const uint8_t*>(from), count * sizeof(T)};
}

file::Machine MachineOf(const Snapshot& snapshot) {
  file::Machine machine{};
  machine.boot = snapshot.boot;
  machine.kernel_id = snapshot.kernel_id;
  machine.tick_ns = snapshot.tick_ns;
  machine.kernel_tsc = snapshot.kernel_tsc;
  machine.ring0_emulated = snapshot.ring0_emulated ? 1 : 0;
  machine.tick_due = snapshot.tick.due() ? 1 : 0;
  machine.regs = snapshot.cpu.regs;
  machine.sregs = snapshot.cpu.sregs;
  machine.debug = snapshot.cpu.debug;
  machine.events = snapshot.cpu.events;
  machine.mp = snapshot.cpu.mp;
  machine.xcrs = snapshot.cpu.xcrs;
  return machine;
}

// Keeps its first error; after it nothing is written.
class Writer {
 public:
  explicit Writer(int fd) : fd_(fd) {
    header_.magic = file::kMagic;
    header_.version = kSnapshotFileVersion;
    header_.section_count = file::kSections;
    header_.layout_hash = proto::kLayoutHash;
  }

  void Add(SectionKind kind, std::span<const uint8_t> bytes) {
    header_.sections[static_cast<uint32_t>(kind)] = {end_, bytes.size(), HashBytes(bytes)};
    Write(bytes, end_);
    end_ += bytes.size();
  }

  void AddPages(const RamImage& image, const std::vector<Extent>& extents) {
    static constexpr uint8_t kZeroPage[kPageBytes] = {};
    const uint64_t start = PageUp(end_);
    ByteHash hash;
    end_ = start;
    for (const Extent& extent : extents) {
      for (uint64_t i = 0; i < extent.count; ++i) {
        const uint8_t* page = image.Page(extent.first + i);
        const std::span<const uint8_t> bytes(page == nullptr ? kZeroPage : page, kPageBytes);
        hash.Add(bytes);
        Write(bytes, end_);
        end_ += kPageBytes;
      }
    }
    header_.sections[static_cast<uint32_t>(SectionKind::kPages)] = {start, end_ - start,
                                                                    hash.value()};
  }

  absl::Status Finish() {
    header_.hash = HashBytes(BytesOf(&header_, 1).first(offsetof(file::Header, hash)));
    Write(BytesOf(&header_, 1), 0);
    return status_;
  }

 private:
  void Write(std::span<const uint8_t> bytes, uint64_t offset) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (status_.ok() && !WriteAllAt(fd_, text, offset)) status_ = ErrnoError("write");
  }

  int fd_;
  absl::Status status_;
  file::Header header_{};
  uint64_t end_ = sizeof(file::Header);
};

absl::Status WriteSections(int fd, const Snapshot& snapshot) {
  Writer writer(fd);
  const file::Machine machine = MachineOf(snapshot);
  const std::vector<Extent> extents = Pack(snapshot.ram->Runs(kJoinFrames));
  writer.Add(SectionKind::kMachine, BytesOf(&machine, 1));
  writer.Add(SectionKind::kCpuid, BytesOf(snapshot.cpuid.data(), snapshot.cpuid.size()));
  writer.Add(SectionKind::kMsrs, BytesOf(snapshot.cpu.msrs.data(), snapshot.cpu.msrs.size()));
  writer.Add(SectionKind::kXsave, snapshot.cpu.xsave);
  writer.Add(SectionKind::kExtents, BytesOf(extents.data(), extents.size()));
  writer.AddPages(*snapshot.ram, extents);
  return writer.Finish();
}

}  // namespace

void WriteSnapshotFile(const Snapshot& snapshot, const std::string& path) {
  // A device or a pipe cannot be mapped.
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path)) {
    throw VmmError(VmmErrorKind::kBadConfig, path + " is there and is no file");
  }
  const absl::Status status =
      WriteWholeFile(path, [&snapshot](int fd) { return WriteSections(fd, snapshot); });
  if (!status.ok()) throw VmmError(VmmErrorKind::kSystem, std::string(status.message()));
}

}  // namespace fv::vmm
