// SPDX-License-Identifier: Apache-2.0
#include "src/lab/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "vmm/file_bytes.h"

namespace fv::lab {
namespace {

using Json = nlohmann::json;

constexpr char kFormat[] = "forkvisor journal 1";
constexpr size_t kCrcDigits = 8;

std::string Line(const std::string& json) {
  const auto* bytes = reinterpret_cast<const Bytef*>(json.data());
  return absl::StrFormat("%08x %s\n", crc32_z(0, bytes, json.size()), json);
}

// The JSON of the line that begins at `from`, which moves behind it; nullopt if it is not whole.
std::optional<Json> NextLine(const std::string& text, size_t& from) {
  const size_t end = text.find('\n', from);
  if (end == std::string::npos || end - from <= kCrcDigits) return std::nullopt;
  const std::string json = text.substr(from + kCrcDigits + 1, end - from - kCrcDigits - 1);
  if (Line(json) != text.substr(from, end + 1 - from)) return std::nullopt;
  Json parsed = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return std::nullopt;
  from = end + 1;
  return parsed;
}

absl::Status CompareIdentity(const Json& head, const Identity& wanted) {
  const Json there = head.is_object() ? head.value("identity", Json()) : Json();
  if (!there.is_object() || head.value("format", Json()) != kFormat) {
    return absl::InvalidArgumentError("it is no journal of forkvisor bench");
  }
  for (const auto& [name, value] : wanted) {
    const Json had_value = there.value(name, Json(""));
    if (had_value == value) continue;
    const std::string had = had_value.is_string() ? had_value.get<std::string>() : had_value.dump();
    return absl::FailedPreconditionError(
        absl::StrCat("it was begun with another ", name, ": ", had, "; now it is ", value));
  }
  return absl::OkStatus();
}

absl::Status Failed(const char* call) { return absl::ErrnoToStatus(errno, call); }

}  // namespace

absl::StatusOr<Journal> Journal::Open(const std::string& path, const Identity& identity) {
  vmm::Fd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  absl::Status status = file.valid() ? absl::OkStatus() : Failed("open");
  if (status.ok() && flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    status = absl::FailedPreconditionError("another process is writing it");
  }
  Journal journal(std::move(file));
  if (status.ok()) status = journal.Load(identity);
  if (status.ok()) return journal;
  return absl::Status(status.code(), absl::StrCat("--resume=", path, ": ", status.message()));
}

absl::Status Journal::Load(const Identity& identity) {
  std::string text;
  if (!vmm::ReadAll(file_.get(), text)) return Failed("read");  // what cannot be read stays
  const std::string own_head = Line(Json{{"format", kFormat}, {"identity", identity}}.dump());
  size_t good = 0;
  if (const std::optional<Json> head = NextLine(text, good)) {
    absl::Status same = CompareIdentity(*head, identity);
    if (!same.ok()) return same;
    while (const std::optional<Json> line = NextLine(text, good)) {
      absl::StatusOr<Batch> batch = BatchFromJson(*line);
      if (!batch.ok()) return batch.status();
      batches_.push_back(*std::move(batch));
    }
  } else if (!own_head.starts_with(text)) {
    // A first line that was cut off is a process killed at its start; other text is not ours.
    return absl::InvalidArgumentError("it is no journal of forkvisor bench");
  }
  if (ftruncate(file_.get(), static_cast<off_t>(good)) != 0) return Failed("ftruncate");
  if (lseek(file_.get(), 0, SEEK_END) < 0) return Failed("lseek");
  if (good > 0) return absl::OkStatus();
  return Write(own_head);
}

absl::Status Journal::Append(const Batch& batch) { return Write(Line(ToJson(batch).dump())); }

absl::Status Journal::Write(const std::string& line) {
  if (!vmm::WriteAll(file_.get(), line)) return Failed("write");
  return fsync(file_.get()) == 0 ? absl::OkStatus() : Failed("fsync");
}

}  // namespace fv::lab
