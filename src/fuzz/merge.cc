// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/merge.h"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/fuzz/features.h"
#include "src/rootfs/host_files.h"
#include "vmm/whole_file.h"

namespace fv::fuzz {
namespace {

namespace fs = std::filesystem;

// A counter's value matters by its magnitude, as libFuzzer sees it.
using Feature = std::pair<size_t, int>;

void AddCounters(const std::vector<uint8_t>& counters, size_t first, std::set<Feature>& features) {
  for (size_t i = 0; i < counters.size(); ++i) {
    if (counters[i] != 0) features.insert({first + i, std::bit_width(counters[i])});
  }
}

std::set<Feature> FeaturesOf(const Program& program, const GuestRun& run) {
  std::set<Feature> features;
  std::vector<uint8_t> counters(kFeatures);
  if (run.results) AddFeatures(program, *run.results, counters);
  AddCounters(counters, 0, features);
  AddCounters(run.block_counts, kFeatures, features);
  return features;
}

// The files of a directory, sorted by name so that the result is the same every time.
absl::StatusOr<std::vector<fs::path>> FilesIn(const fs::path& directory) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  if (error) return absl::NotFoundError(absl::StrCat(directory.string(), ": ", error.message()));
  std::sort(files.begin(), files.end());
  return files;
}

// Different programs of all directories, as bytes.
absl::StatusOr<std::set<std::string>> ReadPrograms(const std::vector<std::string>& directories) {
  std::set<std::string> programs;
  for (const std::string& directory : directories) {
    const fs::path corpus = fs::path(directory) / "corpus";
    absl::StatusOr<std::vector<fs::path>> files =
        FilesIn(fs::exists(corpus) ? corpus : fs::path(directory));
    if (!files.ok()) return files.status();
    for (const fs::path& file : *files) {
      const absl::StatusOr<std::string> bytes = rootfs::ReadHostFile(file.string());
      if (!bytes.ok()) return bytes.status();
      programs.insert(
          Encode(Decode({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()})));
    }
  }
  return programs;
}

// Findings are named by what they are: one that is there already is the same.
absl::StatusOr<uint64_t> CopyFindings(const std::vector<std::string>& directories,
                                      const Store& into) {
  uint64_t copied = 0;
  for (const std::string& directory : directories) {
    const fs::path findings = fs::path(directory) / "findings";
    if (!fs::exists(findings)) continue;
    absl::StatusOr<std::vector<fs::path>> files = FilesIn(findings);
    if (!files.ok()) return files.status();
    for (const fs::path& file : *files) {
      const fs::path to = fs::path(into.findings()) / file.filename();
      if (file.extension() != ".textproto" || fs::exists(to)) continue;
      const absl::StatusOr<std::string> text = rootfs::ReadHostFile(file.string());
      if (!text.ok()) return text.status();
      const absl::Status status = vmm::WriteWholeFile(to.string(), *text);
      if (!status.ok()) return status;
      ++copied;
    }
  }
  return copied;
}

}  // namespace

absl::StatusOr<MergeResult> MergeCampaigns(const JudgeOptions& options,
                                           const std::vector<std::string>& directories,
                                           const Store& into) {
  absl::StatusOr<std::set<std::string>> programs = ReadPrograms(directories);
  if (!programs.ok()) return programs.status();
  absl::StatusOr<uint64_t> copied = CopyFindings(directories, into);
  if (!copied.ok()) return copied.status();
  absl::StatusOr<std::unique_ptr<Judge>> judge = Judge::Make(options);
  if (!judge.ok()) return judge.status();
  MergeResult result{.programs = programs->size(), .findings = *copied};
  std::vector<std::string> by_size(programs->begin(), programs->end());
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const auto& a, const auto& b) { return a.size() < b.size(); });
  std::set<Feature> seen;
  for (const std::string& bytes : by_size) {
    const Program program = Decode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    absl::StatusOr<Verdict> verdict = (*judge)->Try(program);
    if (!verdict.ok()) return verdict.status();
    absl::Status status = absl::OkStatus();
    if (verdict->finding && !into.Has(*verdict->finding)) {
      status = into.Save(*verdict->finding, program);
      ++result.findings;
    }
    const size_t before = seen.size();
    seen.merge(FeaturesOf(program, verdict->run));
    if (seen.size() != before) {
      status.Update(vmm::WriteWholeFile(into.corpus() + "/" + NameOf(bytes), bytes));
      ++result.kept;
    }
    if (!status.ok()) return status;
  }
  result.features = seen.size();
  return result;
}

}  // namespace fv::fuzz
