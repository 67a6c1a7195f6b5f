// SPDX-License-Identifier: Apache-2.0
#include "src/cli/output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "src/cli/exit_codes.h"
#include "src/cli/verbs.h"
#include "vmm/whole_file.h"

namespace fv::cli {
namespace {

// Writes what `file` holds back. 0, or the error number of a write that failed.
int Flush(std::FILE* file) {
  errno = 0;
  if (std::fflush(file) == 0 && std::ferror(file) == 0) return 0;
  // Of an earlier write stdio has kept only that it failed.
  return errno != 0 ? errno : EIO;
}

}  // namespace

absl::StatusOr<OutputFile> OutputFile::Open(const std::string& flag, const std::string& path) {
  OutputFile output;
  output.name_ = absl::StrCat("--", flag, "=", path);
  if (path.empty()) return output;
  output.file_.reset(path == "-" ? stderr : std::fopen(path.c_str(), "we"));
  if (output.file_ != nullptr) return output;
  return absl::InvalidArgumentError(absl::StrCat(output.name_, ": ", std::strerror(errno)));
}

absl::Status OutputFile::Close() {
  if (file_ == nullptr) return absl::OkStatus();
  const int error = Flush(file_.get());
  file_.reset();
  if (error == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(name_, " is not whole: ", std::strerror(error)));
}

absl::Status CheckPlace(const std::string& flag, const std::string& path) {
  struct stat info {};
  int error = 0;
  if (::stat(path.c_str(), &info) == 0) {
    error = S_ISDIR(info.st_mode) ? EISDIR : 0;
  } else if (!path.empty()) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path() / ".";
    error = ::access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
  }
  if (error == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, "=", path, ": ", strerror(error)));
}

int WriteOut(const std::string& text, const std::string& path) {
  if (path.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kExitOk;
  }
  const absl::Status status = vmm::WriteWholeFile(path, text);
  return status.ok() ? kExitOk : OutputError(status);
}

int OutputError(const absl::Status& status) {
  Complain(status);
  return absl::IsInternal(status) ? kExitHostFailure : kExitUsage;
}

int FinishFiles(std::initializer_list<absl::Status> written, int code) {
  for (const absl::Status& status : written) {
    if (status.ok()) continue;
    Complain(status);
    if (code == kExitOk) code = kExitHostFailure;
  }
  return code;
}

int FinishStandardOutput(int code) {
  const int error = Flush(stdout);
  if (error == 0) return code;
  if (error == EPIPE) return code == kExitOk ? ExitBySignal(SIGPIPE) : code;
  Complain(absl::StrCat("standard output: ", std::strerror(error)));
  return code == kExitOk ? kExitHostFailure : code;
}

}  // namespace fv::cli
