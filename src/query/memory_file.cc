// SPDX-License-Identifier: Apache-2.0
#include "src/query/memory_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/layout.h"
#include "vmm/error.h"
#include "vmm/fd.h"
#include "vmm/snapshot/snapshot_file.h"
#include "vmm/whole_file.h"

namespace fv::query {
namespace {

using vmm::Fd;

absl::Status WriteFrames(const Moment& moment, int fd) {
  uint64_t words[proto::kPageBytes / 8];
  for (uint64_t pfn = 0; pfn < moment.snapshot.frames.size(); ++pfn) {
    if (!FrameInUse(moment.snapshot, pfn)) continue;
    moment.memory.LoadPage(pfn, words);
    const auto at = static_cast<off_t>(pfn << proto::kPageShift);
    if (::pwrite(fd, words, sizeof(words), at) != sizeof(words)) return vmm::ErrnoError("write");
  }
  return absl::OkStatus();
}

// Reads what is no hole.
absl::Status ReadData(int fd, uint8_t* to, uint64_t bytes) {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  for (uint64_t at = 0; at < bytes;) {
    const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return absl::OkStatus();  // only a hole is left
    if (data >= 0) at = static_cast<uint64_t>(data);          // else: a file system without holes
    if (at >= bytes) break;
    const ssize_t got = ::pread(fd, to + at, std::min(kPiece, bytes - at), static_cast<off_t>(at));
    if (got < 0) return vmm::ErrnoError("read");
    if (got == 0) return absl::DataLossError("the file became shorter while it was read");
    at += static_cast<uint64_t>(got);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SaveMemory(const Moment& moment, const std::string& path) {
  return vmm::WriteWholeFile(path, [&moment](int fd) {
    absl::Status status = WriteFrames(moment, fd);
    if (!status.ok()) return status;
    const auto bytes = static_cast<off_t>(moment.memory.ram_bytes());
    return ::ftruncate(fd, bytes) == 0 ? absl::OkStatus() : vmm::ErrnoError("ftruncate");
  });
}

namespace {

absl::StatusOr<Moment> MomentOf(const std::string& path, vmm::Mapping memory) {
  absl::StatusOr<GuestRam> ram = FindGuest(inspect::MemoryReader(memory.data(), memory.size()));
  if (!ram.ok()) return absl::DataLossError(absl::StrCat(path, ": ", ram.status().message()));
  absl::StatusOr<Moment> moment = TakeMoment(*ram, Keep::kLive);
  if (moment.ok()) moment->copy = std::move(memory);
  return moment;
}

// Its pages are mapped, not copied.
absl::StatusOr<Moment> LoadSnapshot(const std::string& path) {
  try {
    const auto snapshot = vmm::ReadSnapshotFile(path, std::nullopt);
    absl::StatusOr<Moment> moment = MomentOf(path, snapshot->ram->MapPrivate().Release());
    if (moment.ok()) moment->cpu = CpuRegistersOf(snapshot->cpu);
    return moment;
  } catch (const vmm::VmmError& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

}  // namespace

absl::StatusOr<Moment> LoadMemory(const std::string& path) {
  if (vmm::IsSnapshotFile(path)) return LoadSnapshot(path);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) return vmm::ErrnoError(path);
  const auto bytes = static_cast<uint64_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || bytes < proto::kMinRamBytes || bytes > proto::kMaxRamBytes ||
      bytes % proto::kHugePageBytes != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": no memory of a guest: ", bytes, " bytes"));
  }
  vmm::Mapping copy = vmm::Mapping::Reserve(bytes);
  absl::Status read = ReadData(file.get(), copy.data(), bytes);
  if (!read.ok()) return read;
  return MomentOf(path, std::move(copy));
}

}  // namespace fv::query
