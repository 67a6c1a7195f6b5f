// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/campaign.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "src/coverage/kernel_blocks.h"
#include "src/fuzz/encoding.h"
#include "src/fuzz/worker.h"
#include "vmm/fd.h"
#include "vmm/whole_file.h"

namespace fv::fuzz {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPoll = std::chrono::milliseconds(100);
constexpr auto kProgress = std::chrono::seconds(2);
constexpr uint64_t kMaxRestarts = 20;

uint64_t FilesIn(const std::string& directory, std::string_view ending) {
  uint64_t files = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    files += entry.path().string().ends_with(ending) ? 1 : 0;
  }
  return files;
}

class Campaign {
 public:
  Campaign(const CampaignOptions& options, Store store)
      : options_(options),
        store_(std::move(store)),
        blocks_(coverage::KernelBlocks(options.judge.guest.kernel_image).size()) {}

  absl::StatusOr<CampaignState> Run(const std::function<void(const CampaignState&)>& progress) {
    void* memory = mmap(nullptr, sizeof(SharedState), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return absl::ErrnoToStatus(errno, "shared memory");
    shared_ = new (memory) SharedState();
    absl::Status status = TryRoom();
    for (unsigned job = 0; job < options_.jobs && status.ok(); ++job) status = Start(job);
    for (Clock::time_point next = started_ + kProgress; status.ok() && !jobs_.empty();) {
      std::this_thread::sleep_for(kPoll);
      if (Clock::now() >= next) {
        progress(State());
        next += kProgress;
        status = TryRoom();
      }
      status.Update(Reap());
    }
    for (const auto& [pid, job] : jobs_) kill(pid, SIGKILL);
    for (const auto& [pid, job] : jobs_) waitpid(pid, nullptr, 0);
    status.Update(TryRoom());
    const CampaignState state = State();
    munmap(memory, sizeof(SharedState));
    if (!status.ok()) return status;
    return state;
  }

 private:
  double Seconds() const { return std::chrono::duration<double>(Clock::now() - started_).count(); }
  bool TimeIsOver() const {
    return options_.seconds != 0 && Seconds() >= static_cast<double>(options_.seconds);
  }

  // Of a job that begins now; 0: no limit. One that begins when the time is just over has a second.
  uint64_t SecondsLeft() const {
    const auto gone = static_cast<uint64_t>(Seconds());
    if (options_.seconds == 0) return 0;
    return gone < options_.seconds ? options_.seconds - gone : 1;
  }

  // libFuzzer's own words go to a file of the job.
  std::string LogOf(unsigned job) const {
    return absl::StrCat(options_.directory, "/job-", job, ".log");
  }

  // libFuzzer does not say what it could not write into the corpus, so we try.
  absl::Status TryRoom() const {
    const std::string path = options_.directory + "/room";
    const absl::Status written = vmm::WriteWholeFile(path, std::string(FV_FUZZ_MAX_BYTES, '\0'));
    unlink(path.c_str());
    if (written.ok()) return written;
    return absl::InternalError(
        absl::StrCat("no campaign where programs cannot be kept: ", written.message()));
  }

  absl::Status Start(unsigned job) {
    const vmm::Fd log(open(LogOf(job).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!log.valid()) return absl::ErrnoToStatus(errno, LogOf(job));
    const pid_t campaign = getpid();
    const pid_t pid = fork();
    if (pid < 0) return absl::ErrnoToStatus(errno, "fork of a job");
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != campaign) _exit(kHostFailure);
      dup2(log.get(), STDERR_FILENO);
      RunWorker(options_, store_, job, SecondsLeft(), *shared_);
    }
    jobs_[pid] = job;
    return absl::OkStatus();
  }

  // Takes note of jobs that ended; one that died begins again. Error: the host failed a job.
  absl::Status Reap() {
    int status = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      const auto found = jobs_.find(pid);
      if (found == jobs_.end()) continue;
      const unsigned job = found->second;
      jobs_.erase(found);
      if (WIFEXITED(status) && WEXITSTATUS(status) == kHostFailure) {
        return absl::InternalError(
            absl::StrCat("a job failed: ", shared_->failure, " (see ", LogOf(job), ")"));
      }
      const bool died = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
      if (!died || TimeIsOver()) continue;
      if (restarts_ == kMaxRestarts) {
        return absl::InternalError(
            absl::StrCat("jobs died ", kMaxRestarts, " times and once more: see ", LogOf(job)));
      }
      ++restarts_;
      if (const absl::Status started = Start(job); !started.ok()) return started;
    }
    return absl::OkStatus();
  }

  CampaignState State() const {
    CampaignState state;
    state.seconds = Seconds();
    state.programs = shared_->programs;
    state.found = shared_->found;
    state.resets = shared_->resets;
    state.reset_ns = shared_->reset_ns;
    state.proofs = shared_->proofs;
    for (const auto& seen : shared_->seen) state.features += seen.load(std::memory_order_relaxed);
    for (size_t i = 0; i < blocks_; ++i) {
      state.block_hits.push_back(shared_->block_hits[i].load(std::memory_order_relaxed));
    }
    state.corpus = FilesIn(store_.corpus(), "");
    state.findings = FilesIn(store_.findings(), ".textproto");
    state.restarts = restarts_;
    return state;
  }

  const CampaignOptions& options_;
  Store store_;
  const size_t blocks_;
  Clock::time_point started_ = Clock::now();
  SharedState* shared_ = nullptr;
  std::map<pid_t, unsigned> jobs_;
  uint64_t restarts_ = 0;
};

}  // namespace

uint64_t CampaignState::BlocksReached() const {
  return static_cast<uint64_t>(
      std::count_if(block_hits.begin(), block_hits.end(), [](uint64_t hits) { return hits != 0; }));
}

absl::StatusOr<CampaignState> RunCampaign(
    const CampaignOptions& options, const std::function<void(const CampaignState&)>& progress) {
  absl::StatusOr<Store> store = Store::Open(options.directory, options.origin);
  if (!store.ok()) return store.status();
  return Campaign(options, *std::move(store)).Run(progress);
}

}  // namespace fv::fuzz
