// SPDX-License-Identifier: Apache-2.0
//
// FdTable: chunks, reservation, and the closing order of a table that dies (ascending, as Linux).
#include "guest/fs/fd_table.h"

#include <bit>

#include "guest/fs/file_lock.h"
#include "guest/fs/object.h"
#include "guest/lib/mutants.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr uint64_t kCloexecBit = proto::kFdCloseOnExec;

constinit proto::Link g_tables{0, 0};
using Tables = ListView<FdTable, &proto::FdTableRecord::fd_tables>;

File* FileOf(uint64_t slot) { return reinterpret_cast<File*>(slot & ~kCloexecBit); }

uint64_t MakeSlot(File* file, CloseOnExecFlag cloexec) {
  return AddressOf(file) | (cloexec == CloseOnExecFlag::kYes ? kCloexecBit : 0);
}

}  // namespace

proto::Link& FdTables() { return ReadyHead(g_tables); }

FdTable::FdTable() : FdTableRecord{} {
  magic = proto::kFdTableMagic;
  users = 1;
  chunks = 1;
  Tables(FdTables()).PushBack(*this);
}

Result<Ref<FdTable>> FdTable::Create() {
  FdTable* table = MakeObject<FdTable>();
  if (table == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<FdTable>::Adopt(table);
}

FdTable::~FdTable() {
  CloseRange(0, kMaxFds - 1);
  Unlink(FdTableRecord::fd_tables);
  for (uint32_t i = 0; i < kDirectories; ++i) {
    Directory* directory = DirectoryOf(i * kDirectorySlots);
    if (directory == nullptr) {
      continue;
    }
    for (Chunk* chunk : directory->chunks) {
      if (chunk != nullptr && chunk != &first) {
        KernelFree(chunk, sizeof(Chunk));
        if (HasMutant(Mutant::kChunkFreedTwice)) {
          KernelFree(chunk, sizeof(Chunk));
        }
      }
    }
    KernelFree(directory, sizeof(Directory));
  }
}

void FdTable::Release() {
  if (--users == 0) {
    DestroyObject(this);
  }
}

FdTable::Chunk* FdTable::FindChunk(uint32_t index) const {
  if (index == 0) {
    return const_cast<Chunk*>(&first);
  }
  const Directory* directory = DirectoryOf(index);
  return directory == nullptr ? nullptr : directory->chunks[index % kDirectorySlots];
}

Result<FdTable::Chunk*> FdTable::MakeChunk(uint32_t index) {
  if (Chunk* chunk = FindChunk(index); chunk != nullptr) {
    return chunk;
  }
  Directory* directory = DirectoryOf(index);
  if (directory == nullptr) {
    directory = static_cast<Directory*>(KernelAllocateZeroed(sizeof(Directory)));
    if (directory == nullptr) {
      return Error(ENOMEM);
    }
    directories[index / kDirectorySlots] = AddressOf(directory);
  }
  auto* chunk = static_cast<Chunk*>(KernelAllocateZeroed(sizeof(Chunk)));
  if (chunk == nullptr) {
    return Error(ENOMEM);
  }
  directory->chunks[index % kDirectorySlots] = chunk;
  chunks = index + 1 > chunks ? index + 1 : chunks;
  return chunk;
}

Result<Ref<FdTable>> FdTable::Copy(uint32_t limit) const {
  Ref<FdTable> copy = TRY(Create());
  for (uint32_t c = 0; c < chunks && c * kChunkSlots < limit; ++c) {
    const Chunk* from = FindChunk(c);
    if (from == nullptr || from->used == 0) {
      continue;
    }
    Result<Chunk*> made = copy->MakeChunk(c);
    if (!made.ok()) {
      if (HasMutant(Mutant::kFailKeepsTable)) {
        (void)copy.Leak();
      }
      return made.error();
    }
    Chunk* to = made.value();
    for (uint64_t left = from->used; left != 0; left &= left - 1) {
      const unsigned i = static_cast<unsigned>(std::countr_zero(left));
      File* file = FileOf(from->slots[i]);
      if (file == nullptr || c * kChunkSlots + i >= limit) {
        continue;  // reserved by another thread's open, which will not complete in the copy
      }
      if (!HasMutant(Mutant::kFileUncounted)) {
        file->AddRef();
      }
      to->slots[i] = from->slots[i] & ~(HasMutant(Mutant::kCloexecDropped) ? kCloexecBit : 0);
      to->used |= uint64_t{1} << i;
      ++copy->open;
    }
  }
  return copy;
}

Result<int> FdTable::Allocate(uint64_t limit, uint32_t minimum) {
  const uint64_t end = limit < kMaxFds ? limit : kMaxFds;
  uint32_t fd = minimum > lowest_free ? minimum : lowest_free;
  while (fd < end) {
    const uint32_t c = fd / kChunkSlots;
    Chunk* chunk = TRY(MakeChunk(c));
    const uint64_t free = ~chunk->used & (~uint64_t{0} << (fd % kChunkSlots));
    if (free == 0) {
      fd = (c + 1) * kChunkSlots;
      continue;
    }
    const unsigned i = static_cast<unsigned>(std::countr_zero(free));
    fd = c * kChunkSlots + i;
    if (fd >= end) {
      break;
    }
    chunk->used |= uint64_t{1} << i;
    ++open;
    if (minimum <= lowest_free) {
      lowest_free = fd + 1;
    }
    return static_cast<int>(fd);
  }
  return Error(EMFILE);
}

uint64_t* FdTable::FindSlot(int fd) const {
  if (fd < 0 || static_cast<uint32_t>(fd) >= kMaxFds) {
    return nullptr;
  }
  const uint32_t number = static_cast<uint32_t>(fd);
  Chunk* chunk = FindChunk(number / kChunkSlots);
  if (chunk == nullptr || chunk->slots[number % kChunkSlots] == 0) {
    return nullptr;
  }
  return &chunk->slots[number % kChunkSlots];
}

void FdTable::Install(int fd, Ref<File> file, CloseOnExecFlag cloexec) {
  Chunk* chunk = FindChunk(static_cast<uint32_t>(fd) / kChunkSlots);
  chunk->slots[static_cast<uint32_t>(fd) % kChunkSlots] = MakeSlot(file.Leak(), cloexec);
}

void FdTable::FreeSlot(uint32_t fd) {
  Chunk* chunk = FindChunk(fd / kChunkSlots);
  chunk->slots[fd % kChunkSlots] = 0;
  chunk->used &= ~(uint64_t{1} << (fd % kChunkSlots));
  open -= HasMutant(Mutant::kSlotDrift) ? 0 : 1;
  lowest_free = fd < lowest_free ? fd : lowest_free;
}

void FdTable::Cancel(int fd) { FreeSlot(static_cast<uint32_t>(fd)); }

Result<int> FdTable::Add(Ref<File> file, CloseOnExecFlag cloexec, uint64_t limit,
                         uint32_t minimum) {
  const int fd = TRY(Allocate(limit, minimum));
  Install(fd, std::move(file), cloexec);
  return fd;
}

Result<int> FdTable::Replace(int fd, Ref<File> file, CloseOnExecFlag cloexec, uint64_t limit) {
  if (fd < 0 || static_cast<uint64_t>(fd) >= limit || static_cast<uint32_t>(fd) >= kMaxFds) {
    return Error(EBADF);
  }
  const uint32_t number = static_cast<uint32_t>(fd);
  Chunk* chunk = TRY(MakeChunk(number / kChunkSlots));
  const unsigned i = number % kChunkSlots;
  const uint64_t bit = uint64_t{1} << i;
  if ((chunk->used & bit) != 0 && chunk->slots[i] == 0) {
    return Error(EBUSY);
  }
  const Ref<File> old = Ref<File>::Adopt(FileOf(chunk->slots[i]));
  if (old) {
    ReleaseRecordLocks(old->inode(), this);
    old->OnDescriptorClose();
  } else {
    chunk->used |= bit;
    ++open;
    if (number == lowest_free) {
      ++lowest_free;
    }
  }
  chunk->slots[i] = MakeSlot(file.Leak(), cloexec);
  return fd;
}

Result<Ref<File>> FdTable::GetPath(int fd) const {
  const uint64_t* slot = FindSlot(fd);
  if (slot == nullptr) {
    return Error(EBADF);
  }
  return Ref<File>(*FileOf(*slot));
}

Result<Ref<File>> FdTable::Get(int fd) const {
  const uint64_t* slot = FindSlot(fd);
  if (slot == nullptr || FileOf(*slot)->path_only()) {
    return Error(EBADF);
  }
  return Ref<File>(*FileOf(*slot));
}

Result<CloseOnExecFlag> FdTable::GetCloseOnExec(int fd) const {
  const uint64_t* slot = FindSlot(fd);
  if (slot == nullptr) {
    return Error(EBADF);
  }
  return (*slot & kCloexecBit) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
}

Status FdTable::SetCloseOnExec(int fd, CloseOnExecFlag cloexec) {
  uint64_t* slot = FindSlot(fd);
  if (slot == nullptr) {
    return Error(EBADF);
  }
  *slot = MakeSlot(FileOf(*slot), cloexec);
  return Ok();
}

File* FdTable::Detach(uint32_t fd) {
  File* file = FileOf(*FindSlot(static_cast<int>(fd)));
  ReleaseRecordLocks(file->inode(), this);
  file->OnDescriptorClose();
  FreeSlot(fd);
  return file;
}

Result<Ref<File>> FdTable::Take(int fd) {
  if (FindSlot(fd) == nullptr) {
    return Error(EBADF);
  }
  return Ref<File>::Adopt(Detach(static_cast<uint32_t>(fd)));
}

Status FdTable::Close(int fd) {
  // The slot is free before the file's last close runs, which may look at the table.
  const Ref<File> file = TRY(Take(fd));
  return Ok();
}

int FdTable::Next(uint32_t from) const {
  for (uint32_t c = from / kChunkSlots; c < chunks; ++c) {
    const Chunk* chunk = FindChunk(c);
    if (chunk == nullptr) {
      continue;
    }
    const uint32_t base = c * kChunkSlots;
    uint64_t used = chunk->used;
    if (from > base) {
      used &= ~uint64_t{0} << (from - base);
    }
    for (; used != 0; used &= used - 1) {
      const unsigned i = static_cast<unsigned>(std::countr_zero(used));
      if (chunk->slots[i] != 0) {
        return static_cast<int>(base + i);
      }
    }
  }
  return -1;
}

void FdTable::CloseRange(uint32_t first, uint32_t last) {
  for (int fd = Next(first); fd >= 0 && static_cast<uint32_t>(fd) <= last;
       fd = Next(static_cast<uint32_t>(fd) + 1)) {
    (void)Close(fd);
  }
}

void FdTable::SetCloseOnExecRange(uint32_t first, uint32_t last) {
  for (int fd = Next(first); fd >= 0 && static_cast<uint32_t>(fd) <= last;
       fd = Next(static_cast<uint32_t>(fd) + 1)) {
    (void)SetCloseOnExec(fd, CloseOnExecFlag::kYes);
  }
}

void FdTable::CloseOnExec() {
  for (int fd = Next(0); fd >= 0; fd = Next(static_cast<uint32_t>(fd) + 1)) {
    if ((*FindSlot(fd) & kCloexecBit) != 0) {
      (void)Close(fd);
    }
  }
}

}  // namespace fv::guest
