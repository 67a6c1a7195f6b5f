// SPDX-License-Identifier: Apache-2.0
//
// forkvisor view: a run, or a recording of one, in the browser.
#include <fcntl.h>
#include <gflags/gflags.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/cli/end_signals.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/guest_run.h"
#include "src/cli/output.h"
#include "src/cli/verbs.h"
#include "src/recording/record_reader.h"
#include "src/recording/recording_file.h"
#include "src/session/signals.h"
#include "src/view/page_file.h"
#include "src/view/request_check.h"
#include "src/view/view_page.h"
#include "src/view/view_server.h"
#include "vmm/whole_file.h"

DECLARE_string(record);

DEFINE_string(recording, "", "show this recording instead of a run");
DEFINE_string(html, "", "write the page with the recording inside to this file, serve nothing");
DEFINE_int32(port, 0, "port of the server; 0: any");
DEFINE_string(bind, "127.0.0.1", "address that the server listens at");

namespace fv::cli {
namespace {

std::string_view Page() {
  const std::span<const uint8_t> page = embedded::ViewPage();
  return {reinterpret_cast<const char*>(page.data()), page.size()};
}

absl::StatusOr<std::unique_ptr<view::ViewServer>> Serve(view::Source source) {
  if (FLAGS_port < 0 || FLAGS_port > 0xFFFF) {
    return absl::InvalidArgumentError("--port wants a number from 0 to 65535");
  }
  view::ServerOptions options;
  options.address = FLAGS_bind;
  options.port = static_cast<uint16_t>(FLAGS_port);
  options.token = view::NewToken();
  options.page = Page();
  return view::ViewServer::Start(options, std::move(source));
}

// The first `bytes` of the recording.
absl::StatusOr<std::vector<uint8_t>> ReadFirst(int fd, uint64_t bytes) {
  std::vector<uint8_t> content(bytes);
  for (size_t done = 0; done < content.size();) {
    const ssize_t got =
        ::pread(fd, &content[done], content.size() - done, static_cast<off_t>(done));
    if (got < 0) return vmm::ErrnoError("the recording cannot be read");
    if (got == 0) return absl::InternalError("the recording has become shorter");
    done += static_cast<size_t>(got);
  }
  return content;
}

// Of a recording that is served only the page reads more.
absl::Status CheckStart(int fd, uint64_t bytes) {
  constexpr uint64_t kEnough = 64;
  const absl::StatusOr<std::vector<uint8_t>> start = ReadFirst(fd, std::min(bytes, kEnough));
  return start.ok() ? recording::RecordReader::Open(*start).status() : start.status();
}

// The file of --html, with the first `bytes` of the recording.
absl::Status WritePage(int fd, uint64_t bytes) {
  const absl::StatusOr<std::vector<uint8_t>> read = ReadFirst(fd, bytes);
  if (!read.ok()) return read.status();
  const std::span<const uint8_t> recording(*read);
  absl::StatusOr<recording::RecordReader> reader = recording::RecordReader::Open(recording);
  if (!reader.ok()) return reader.status();
  while (reader->Next()) {
  }
  if (const std::string end = reader->HowItEnds(); !end.empty()) {
    Complain(absl::StrCat("the recording is shown as far as it goes", end));
  }
  absl::StatusOr<std::string> page = view::PageWith(Page(), recording);
  if (!page.ok()) return page.status();
  return vmm::WriteWholeFile(FLAGS_html, *page);
}

int ViewRecording() {
  const vmm::Fd file(::open(FLAGS_recording.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) {
    return UsageError("view", absl::StrCat("--recording=", FLAGS_recording, ": ", strerror(errno)));
  }
  const auto bytes = static_cast<uint64_t>(status.st_size);
  if (const absl::Status start = CheckStart(file.get(), bytes); !start.ok()) {
    return UsageError("view", absl::StrCat("--recording=", FLAGS_recording, ": ", start.message()));
  }
  if (!FLAGS_html.empty()) {
    const absl::Status written = WritePage(file.get(), bytes);
    return written.ok() ? kExitOk : OutputError(written);
  }
  const EndSignals enough;
  const auto server = Serve({file.get(), [bytes] { return bytes; }, [] { return true; }});
  if (!server.ok()) return StatusError(server.status());
  Complain((*server)->Url());
  enough.Await();
  return kExitOk;
}

int ViewRun(const Arguments& arguments, oracle::CheckMode mode) {
  absl::StatusOr<vmm::Fd> made = recording::CreateFile(FLAGS_record);
  if (!made.ok()) return StatusError(made.status());
  recording::RecordingFile file(*std::move(made));
  std::optional<EndSignals> enough;
  std::unique_ptr<view::ViewServer> server;
  if (FLAGS_html.empty()) {
    enough.emplace();
    auto started = Serve(
        {file.fd(), [&file] { return file.bytes_in_file(); }, [&file] { return file.closed(); }});
    if (!started.ok()) return StatusError(started.status());
    server = *std::move(started);
  }
  RunExtras extras;
  extras.recording = &file;
  // The address is said when nothing can be wrong any more with flags and program.
  extras.observer = [&server](vmm::MachineInterface&) {
    if (server) Complain(server->Url());
    return std::unique_ptr<session::Observer>();
  };
  const auto then = [&](const GuestRunResult& result) {
    const int code = Tell(result);
    // One may have come when the run had ended, and the session no longer looked.
    if (server && !session::StopSignal()) enough->Await();
    return code;
  };
  const absl::StatusOr<int> code = RunGuest(arguments, mode, then, extras);
  if (!code.ok()) return StatusError(code.status());
  if (FLAGS_html.empty()) return *code;
  const absl::Status written = WritePage(file.fd(), file.bytes_in_file());
  return written.ok() ? *code : OutputError(written);
}

}  // namespace

int ViewVerb(const Words& args) {
  std::vector<std::string_view> allowed = GuestFlags();
  allowed.insert(allowed.end(), {"check", "from", "recording", "html", "port", "bind"});
  absl::StatusOr<Arguments> arguments = ParseArguments(args, allowed);
  if (!arguments.ok()) return UsageError("view", arguments.status());
  if (arguments->help) return ShowHelp("view");
  const absl::StatusOr<oracle::CheckMode> mode = CheckModeFromFlags();
  if (!mode.ok()) return UsageError("view", mode.status());
  if (const absl::Status place = CheckPlace("html", FLAGS_html); !place.ok()) {
    return UsageError("view", place);
  }
  if (!FLAGS_recording.empty()) {
    if (!arguments->words.empty()) return UsageError("view", "--recording has its program already");
    return ViewRecording();
  }
  if (const absl::Status wrong = CheckFrom(*arguments); !wrong.ok()) {
    return UsageError("view", wrong);
  }
  return ViewRun(*arguments, *mode);
}

}  // namespace fv::cli
