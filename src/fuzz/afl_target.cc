// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/afl_target.h"

#include <signal.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "src/fuzz/features.h"

namespace fv::fuzz {
namespace {

bool PutWord(int fd, uint32_t word) { return write(fd, &word, sizeof(word)) == sizeof(word); }

// The whole file, whose position afl shares.
std::string Input(int fd) {
  std::string bytes(FV_FUZZ_MAX_BYTES, '\0');
  ssize_t size;
  do {
    size = pread(fd, bytes.data(), bytes.size(), 0);
  } while (size < 0 && errno == EINTR);
  bytes.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return bytes;
}

// Two thirds of the map are blocks of the kernel, the rest what calls showed; both folded.
void FillMap(const Program& program, const GuestRun& run, std::span<uint8_t> map) {
  std::vector<uint8_t> features(kFeatures);
  if (run.results) AddFeatures(program, *run.results, features);
  const size_t first = map.size() / 3;
  for (size_t i = 0; i < features.size(); ++i) {
    map[i % first] = std::max(map[i % first], features[i]);
  }
  for (size_t i = 0; i < run.block_counts.size(); ++i) {
    uint8_t& counter = map[first + i % (map.size() - first)];
    counter = std::max(counter, run.block_counts[i]);
  }
  map[0] = 1;  // afl gives up on a program that shows nothing
}

}  // namespace

absl::Status FindAflMap(AflEnds& ends) {
  const char* name = std::getenv("__AFL_SHM_ID");
  if (name == nullptr)
    return absl::FailedPreconditionError("--engine=afl is for afl-fuzz to start");
  void* map = shmat(std::atoi(name), nullptr, 0);
  if (map == reinterpret_cast<void*>(-1)) return absl::ErrnoToStatus(errno, "afl's map");
  ends.map = {static_cast<uint8_t*>(map), kAflMapBytes};
  return absl::OkStatus();
}

absl::Status ServeAfl(const JudgeOptions& options, const Store& store, const AflEnds& ends) {
  absl::StatusOr<std::unique_ptr<Judge>> judge = Judge::Make(options);
  if (!judge.ok()) return judge.status();
  uint32_t request = 0;
  bool served = PutWord(ends.status, 0);
  while (served && read(ends.control, &request, sizeof(request)) == sizeof(request)) {
    served = PutWord(ends.status, static_cast<uint32_t>(getpid()));
    const std::string bytes = Input(ends.input);
    const Program program = Decode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    absl::StatusOr<Verdict> verdict = (*judge)->Try(program);
    if (!verdict.ok()) return verdict.status();
    FillMap(program, verdict->run, ends.map);
    if (verdict->finding && !store.Has(*verdict->finding)) {
      absl::Status status = store.Save(*verdict->finding, program);
      if (!status.ok()) return status;
    }
    served = served && PutWord(ends.status, verdict->finding ? SIGABRT : 0);
  }
  return absl::OkStatus();
}

}  // namespace fv::fuzz
