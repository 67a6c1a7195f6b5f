// SPDX-License-Identifier: Apache-2.0
//
// See memory_file.h.
#include "vmm/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "vmm/error.h"
#include "vmm/file_bytes.h"

namespace fv::vmm {

Fd MemoryFile(const char* name, uint64_t bytes) {
  Fd file(::memfd_create(name, MFD_CLOEXEC));
  if (!file.valid()) ThrowErrno("memfd_create", errno);
  if (::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) ThrowErrno("ftruncate", errno);
  return file;
}

Fd MemoryFileOf(const char* name, std::string_view content) {
  Fd file = MemoryFile(name);
  if (!WriteAllAt(file.get(), content, 0)) ThrowErrno("writing a memory file", errno);
  return file;
}

std::string ContentOf(const Fd& file) {
  std::string content;
  if (!ReadAll(file.get(), content)) ThrowErrno("reading a memory file", errno);
  return content;
}

}  // namespace fv::vmm
