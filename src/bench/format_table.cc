// SPDX-License-Identifier: Apache-2.0
//
// Results as a table for people.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/bench/results.h"
#include "src/bench/table.h"

namespace fv::bench {
namespace {

constexpr char kNone[] = "-";

std::string Time(const Summary* summary, double Summary::*member) {
  return summary == nullptr ? kNone : FormatTime(summary->*member);
}

std::string PerPage(const SizeResult& size, Side side) {
  const Summary* fork = size.Find(side, Metric::kFork);
  const double pages = size.MappedPages();
  return fork == nullptr || pages == 0 ? kNone : absl::StrFormat("%.1f", fork->p50 / pages);
}

std::vector<std::string> TimesRow(const SizeResult& size, Side side, const char* name) {
  const Summary* fork = size.Find(side, Metric::kFork);
  return {side == Side::kGuest ? FormatBytes(size.bytes) : "",
          name,
          Time(fork, &Summary::p50),
          Time(fork, &Summary::p90),
          Time(fork, &Summary::p99),
          Time(size.Find(side, Metric::kForkAgain), &Summary::p50),
          Time(size.Find(side, Metric::kForkExitWait), &Summary::p50),
          Time(size.Find(side, Metric::kCow), &Summary::p50),
          Time(size.Find(side, Metric::kNullSyscall), &Summary::p50),
          PerPage(size, side)};
}

std::string Ratio(const SizeResult& size, Metric metric, double Summary::*member) {
  const Summary* guest = size.Find(Side::kGuest, metric);
  const Summary* native = size.Find(Side::kNative, metric);
  if (guest == nullptr || native == nullptr || native->*member == 0) return kNone;
  return absl::StrFormat("%.2fx", guest->*member / native->*member);
}

std::vector<std::string> RatioRow(const SizeResult& size) {
  return {"",
          "guest/native",
          Ratio(size, Metric::kFork, &Summary::p50),
          Ratio(size, Metric::kFork, &Summary::p90),
          Ratio(size, Metric::kFork, &Summary::p99),
          Ratio(size, Metric::kForkAgain, &Summary::p50),
          Ratio(size, Metric::kForkExitWait, &Summary::p50),
          Ratio(size, Metric::kCow, &Summary::p50),
          Ratio(size, Metric::kNullSyscall, &Summary::p50),
          Ratio(size, Metric::kFork, &Summary::p50)};
}

bool HasSide(const SizeResult& size, Side side) {
  return size.Find(side, Metric::kFork) != nullptr;
}

std::string TimesTable(const Results& results) {
  Table table({"mapped", "where", "fork p50", "p90", "p99", "fork again", "fork+exit+wait",
               "COW fault", "null syscall", "ns/page"});
  bool first = true;
  for (const SizeResult& size : results.sizes) {
    if (!first) table.Rule();
    first = false;
    table.Add(TimesRow(size, Side::kGuest, "guest"));
    if (HasSide(size, Side::kNative)) {
      table.Add(TimesRow(size, Side::kNative, "native"));
      table.Add(RatioRow(size));
    }
    if (HasSide(size, Side::kGuestChecked)) {
      table.Add(TimesRow(size, Side::kGuestChecked, "guest, every step checked"));
    }
  }
  return table.Text();
}

std::string PhasesTable(const Results& results) {
  std::vector<std::string> head = {"mapped"};
  for (size_t phase = 0; phase < kPhases; ++phase) head.push_back(PhaseName(phase));
  for (const char* name : {"in kernel", "VMAs", "PTEs", "tables", "frames", "ns/PTE"}) {
    head.emplace_back(name);
  }
  Table table(head);
  for (const SizeResult& size : results.sizes) {
    if (!size.phases) continue;
    const PhaseSummary& phases = *size.phases;
    std::vector<std::string> row = {FormatBytes(size.bytes)};
    for (double ns : phases.ns) row.push_back(FormatTime(ns));
    row.push_back(FormatTime(phases.total_ns));
    for (double count : {phases.vmas, phases.ptes, phases.tables, phases.frames}) {
      row.push_back(absl::StrFormat("%.0f", count));
    }
    const double tables_ns = phases.ns[static_cast<size_t>(proto::ForkPhase::kTables)];
    row.push_back(phases.ptes == 0 ? kNone : absl::StrFormat("%.1f", tables_ns / phases.ptes));
    table.Add(row);
  }
  return table.Text();
}

}  // namespace

std::string FormatTable(const Results& results) {
  const Context& context = results.context;
  std::string text = absl::StrFormat(
      "%s, %d CPUs, Linux %s, KVM %s, guest kernel in ring %s, strategy %s, commit %s\n"
      "Medians; the pages were touched by: %s.\n\n",
      context.cpu, context.cpus, context.kernel, context.kvm_backend, context.kernel_ring,
      context.strategy, context.commit, context.touch);
  absl::StrAppend(&text, TimesTable(results));
  absl::StrAppend(&text,
                  "\nInside the guest kernel, by the time-stamp counter, medians of a fork:\n\n",
                  PhasesTable(results));
  return text;
}

}  // namespace fv::bench
