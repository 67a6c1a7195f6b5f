// SPDX-License-Identifier: Apache-2.0
//
// An ELF file of type ET_CORE (elf(5)): header, program headers, notes, then the content of the
// segments, page aligned. What is not written is a hole, and reads as zero.
#pragma once

#include <sys/procfs.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace fv::exports {

struct CoreSegment {
  uint64_t address = 0;  // virtual
  uint64_t physical = 0;
  uint64_t bytes = 0;       // in memory; whole pages
  uint64_t file_bytes = 0;  // of them in the file
  uint64_t content = 0;     // where these begin, counted from the start of all content
  uint32_t flags = 0;       // PF_R, PF_W, PF_X
};
// So many that their number fits into the header.
inline constexpr size_t kMostSegments = 65'000;

class CoreNotes {
 public:
  // NT_PRSTATUS, NT_PRFPREG, NT_PRPSINFO... A debugger takes the first status for the thread that
  // it shows; what is of one thread follows its status.
  void Add(uint32_t type, std::string_view content);
  template <typename T>
  void AddStruct(uint32_t type, const T& content) {
    Add(type, {reinterpret_cast<const char*>(&content), sizeof(content)});
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// The registers of `registers` in a thread's status.
void SetRegisters(elf_prstatus& status, const user_regs_struct& registers);

class CoreFile {
 public:
  // Writes all but the content. `fd` is of an empty file and outlives the object. Errors: Internal,
  // with the errno text; ResourceExhausted (more than kMostSegments).
  static absl::StatusOr<CoreFile> Begin(int fd, const CoreNotes& notes,
                                        const std::vector<CoreSegment>& segments);

  // `content` counts as that of CoreSegment.
  absl::Status Write(uint64_t content, std::string_view bytes);
  // Makes the file as long as its segments say.
  absl::Status Finish();

 private:
  CoreFile(int fd, uint64_t start, uint64_t end) : fd_(fd), start_(start), end_(end) {}

  int fd_;
  uint64_t start_;  // of the content, in the file
  uint64_t end_;
};

}  // namespace fv::exports
