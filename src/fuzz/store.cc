// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/store.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "src/fuzz/text.h"
#include "vmm/whole_file.h"

namespace fv::fuzz {
namespace {

namespace fs = std::filesystem;

std::string AsComment(const std::string& text) {
  std::string out;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!line.empty()) absl::StrAppend(&out, "# ", line, "\n");
  }
  return out;
}

}  // namespace

// FNV-1a.
std::string NameOf(std::string_view bytes) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3;
  return absl::StrFormat("%016x", hash);
}

absl::StatusOr<Store> Store::Open(const std::string& directory, const std::string& origin) {
  Store store;
  store.origin_ = origin;
  store.corpus_ = directory + "/corpus";
  store.findings_ = directory + "/findings";
  for (const std::string& path : {store.corpus_, store.findings_}) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return absl::ErrnoToStatus(error.value(), path);
  }
  return store;
}

std::string Store::PathOf(const Finding& finding) const {
  return absl::StrCat(findings_, "/", finding.kind, "-", NameOf(finding.Key()), ".textproto");
}

bool Store::Has(const Finding& finding) const {
  std::error_code error;
  return fs::exists(PathOf(finding), error);
}

absl::Status Store::Save(const Finding& finding, const Program& program) const {
  const std::string origin = origin_.empty() ? "" : absl::StrCat("# Found by: ", origin_, "\n");
  return vmm::WriteWholeFile(
      PathOf(finding), absl::StrCat("# ", finding.Key(), "\n", AsComment(finding.detail), "#\n",
                                    origin, "# Replay: forkvisor replay FILE\n", ToText(program)));
}

}  // namespace fv::fuzz
