// SPDX-License-Identifier: Apache-2.0
//
// Where verbs write to: files that flags name, and standard output. What cannot be written is said,
// with the reason, and changes the exit code.
#pragma once

#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fv::cli {

// A file that grows while a verb runs.
class OutputFile {
 public:
  OutputFile() = default;

  // The file of `flag`: "-" is standard error, "" none. InvalidArgument: it cannot be made.
  static absl::StatusOr<OutputFile> Open(const std::string& flag, const std::string& path);

  explicit operator bool() const { return file_ != nullptr; }
  std::FILE* get() const { return file_.get(); }
  // Writes what is still held back. Internal: not all that was written since Open is in the file.
  absl::Status Close();

 private:
  struct Closer {
    void operator()(std::FILE* file) const {
      if (file != stderr) std::fclose(file);
    }
  };

  std::unique_ptr<std::FILE, Closer> file_;
  std::string name_;
};

// Whether the file of --`flag` could be made or replaced, for what is written behind long work; ""
// is fine. InvalidArgument: a directory is there, or none that it could be in.
absl::Status CheckPlace(const std::string& flag, const std::string& path);

// Writes `text` to the file, which is whole then or as it was; to standard output if there is no
// name. Exit code.
int WriteOut(const std::string& text, const std::string& path);

// Says what is wrong with a file that is to be written. Exit code: kExitUsage for a place that
// cannot be, kExitHostFailure if the host cannot write there.
int OutputError(const absl::Status& status);

// The exit code of a verb that ended with `code`, once its files are written with these results:
// another one, and complaints, if one is not whole.
int FinishFiles(std::initializer_list<absl::Status> written, int code);

// The exit code of a verb that ended with `code`, once standard output is written: another one, and
// a complaint, if that fails.
int FinishStandardOutput(int code);

}  // namespace fv::cli
