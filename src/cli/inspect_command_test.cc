// SPDX-License-Identifier: Apache-2.0
//
// forkvisor inspect as people use it: of a program, of a running guest, of memory in a file.
// argv[1] is the binary, the others of guest/user/programs: fork_two_pages, fork_shared_tables,
// cow_threads, sysv_shm.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "src/cli/testing/shell.h"
#include "vmm/testing/require_kvm.h"

namespace {

std::string g_binary;
std::string g_program;
std::string g_tables;
std::string g_threads;
std::string g_segments;

using fv::cli::testing::Outcome;
using fv::cli::testing::RunShell;

// By the shell; $B is the binary, `F` runs it, $P the program, $D a directory that is removed
// afterwards. The shell's own standard input is empty.
Outcome Shell(const std::string& script) {
  const std::string command =
      "exec </dev/null; B='" + g_binary + "'; F() { \"$B\" \"$@\"; }; P='" + g_program +
      "'; D=$(mktemp -d /tmp/inspect_XXXXXX); trap 'rm -rf $D' EXIT; " + script;
  return RunShell(command);
}

nlohmann::json Json(const Outcome& outcome) {
  EXPECT_EQ(outcome.status, 0) << outcome.text;
  return nlohmann::json::parse(outcome.text, nullptr, false);
}

class InspectCommand : public fv::vmm::testing::KvmTest {};

TEST_F(InspectCommand, AProgramAtAMoment) {
  const nlohmann::json ps = Json(Shell("F inspect --at=fork-end --format=json ps -- $P"));
  ASSERT_EQ(ps["tasks"].size(), 3u);
  EXPECT_EQ(ps["tasks"][2]["ppid"], 2);
  EXPECT_EQ(ps["tasks"][2]["strategy"], "classic");
  const nlohmann::json end = Json(Shell("F inspect --format=json ps -- $P"));
  EXPECT_EQ(end["tasks"].size(), 1u) << "everybody else is gone at the end";
}

TEST_F(InspectCommand, TheEndShowsNoTasksAndSaysSo) {
  EXPECT_TRUE(Shell("F inspect ps -- $P 2>&1").Has("--at=before:exit"));
  EXPECT_TRUE(Shell("F inspect maps 2 -- $P 2>&1").Has("--at=before:exit"));
  EXPECT_FALSE(Shell("F inspect --at=end ps -- $P 2>&1").Has("--at=before:exit"));
  EXPECT_FALSE(Shell("F inspect frames -- $P 2>&1").Has("--at=before:exit"));
}

// Ranges and paths are those that the guest's own kernel shows the program.
TEST_F(InspectCommand, MappingsHaveTheirFilesPaths) {
  const Outcome shown = Shell("F run cat /proc/self/maps");
  ASSERT_EQ(shown.status, 0) << shown.text;
  std::set<std::string> of_the_kernel;
  std::istringstream lines(shown.text);
  for (std::string line; std::getline(lines, line);) {
    const size_t path = line.find('/');
    if (path == line.npos) continue;
    of_the_kernel.insert(line.substr(0, line.find(' ')) + " " + line.substr(path));
  }
  const nlohmann::json maps =
      Json(Shell("F inspect --at=before:exit --format=json maps 2 -- cat /dev/null"));
  std::set<std::string> of_inspect;
  for (const nlohmann::json& row : maps["mappings"]) {
    const auto what = row["what"].get<std::string>();
    if (!what.starts_with("/")) continue;
    const auto hex = [&](const char* column) { return row[column].get<std::string>().substr(2); };
    of_inspect.insert(hex("start") + "-" + hex("end") + " " + what);
  }
  EXPECT_EQ(of_inspect, of_the_kernel);
  EXPECT_GT(of_inspect.size(), 5u) << "cat and its libraries";
}

// The third fork is of a process that has a segment attached whose key is 0x46560000 XOR its pid.
TEST_F(InspectCommand, SystemVSharedMemoryIsNamedByItsKey) {
  const nlohmann::json maps =
      Json(Shell("F inspect --at=fork-end:3 --format=json maps 2 -- " + g_segments));
  int named = 0;
  for (const nlohmann::json& row : maps["mappings"]) {
    if (row["what"] == "/SYSV46560002 (deleted)") ++named;
  }
  EXPECT_EQ(named, 1) << maps;
}

// The program maps two pages and writes both before it forks: they, and nothing else of what the
// parent may write, become copy-on-write (the stack and the page of variables are copied at once).
TEST_F(InspectCommand, DifferenceOfAForkAgreesWithItsEvent) {
  const nlohmann::json diff =
      Json(Shell("F inspect --since=before:fork-end --at=fork-end --format=json diff -- $P"));
  uint64_t copy_on_write = 0;
  uint64_t new_entries = 0;
  for (const nlohmann::json& row : diff["entries"]) {
    const bool parent = row["task"].get<std::string>().starts_with("2 ");
    if (parent) EXPECT_EQ(row["change"], "copy-on-write") << row;
    (parent ? copy_on_write : new_entries) += row["pages"].get<uint64_t>();
  }
  EXPECT_EQ(copy_on_write, 2u);
  const nlohmann::json events = Json(Shell("F inspect --at=fork-end --format=json events 1 -- $P"));
  const std::string event = events["events"][0]["event"];
  EXPECT_NE(event.find(" ptes=" + std::to_string(new_entries) + " "), std::string::npos) << event;
}

constexpr uint64_t kPage = 4096;

uint64_t Number(const nlohmann::json& hex) {
  return std::strtoull(hex.get<std::string>().c_str(), nullptr, 16);
}

// Pages of process 2 that a diff says became copy-on-write, and how many entries its child got.
struct ForkDiff {
  std::set<uint64_t> copy_on_write;
  uint64_t new_entries = 0;
  uint64_t in_shared_tables = 0;  // of them
};
ForkDiff DiffOfFork(const std::string& flags, const std::string& program, int nth) {
  const std::string fork = "fork-end:" + std::to_string(nth);
  const nlohmann::json diff = Json(Shell("F inspect " + flags + " --since=before:" + fork +
                                         " --at=" + fork + " --format=json diff -- " + program));
  ForkDiff result;
  for (const nlohmann::json& row : diff["entries"]) {
    const std::string change = row["change"];
    const bool by_table = change.find("(shared table)") != std::string::npos;
    if (row["task"].get<std::string>().starts_with("2 ")) {
      EXPECT_TRUE(change == "copy-on-write" || change == "copy-on-write (shared table)") << row;
      for (uint64_t at = Number(row["start"]); at < Number(row["end"]); at += kPage) {
        result.copy_on_write.insert(at);
      }
    } else {
      EXPECT_TRUE(change.starts_with("new")) << row;
      result.new_entries += row["pages"].get<uint64_t>();
      result.in_shared_tables += by_table ? row["pages"].get<uint64_t>() : 0;
    }
  }
  return result;
}

// The events of copy-on-write after the fork, up to the next: pages that others than its child
// broke or took over. And what the event of the fork says.
struct ForkEvents {
  std::set<uint64_t> broken;
  uint64_t ptes = 0;
};
ForkEvents EventsOfFork(const std::string& flags, const std::string& program, int nth) {
  std::istringstream lines(Shell("F run " + flags +
                                 " --events=$D/e --event_kinds=fork-end,cow-break,cow-reuse " +
                                 program + " >&2; cat $D/e")
                               .text);
  ForkEvents result;
  unsigned long child = 0;
  int forks = 0;
  for (std::string line; std::getline(lines, line);) {
    unsigned long pid = 0;
    unsigned long ptes = 0;
    unsigned long address = 0;
    const size_t at = line.find(" pid ");
    if (at == std::string::npos) continue;
    const char* event = line.c_str() + at;
    if (std::sscanf(event, " pid %lu fork-end child_pid=%lu ptes=%lu", &pid, &address, &ptes) ==
        3) {
      if (++forks != nth) continue;
      child = address;
      result.ptes = ptes;
    } else if (forks == nth &&
               std::sscanf(event, " pid %lu cow-%*s address=%lx", &pid, &address) == 2 &&
               pid != child) {
      result.broken.insert(address & ~(kPage - 1));
    }
  }
  return result;
}

// What both programs may write in private memory they write after the fork: the pages that events
// name then are those that the difference has named, no more and no fewer.
TEST_F(InspectCommand, DifferenceOfAForkNamesExactlyWhatEventsBreak) {
  const struct {
    std::string program;
    int fork;  // cow_threads: after its threads, the second
  } cases[] = {{"$P", 1}, {g_threads, 6}};
  for (const auto& [program, fork] : cases) {
    for (const char* flags : {"--strategy=classic", "--strategy=ondemand"}) {
      const ForkDiff diff = DiffOfFork(flags, program, fork);
      const ForkEvents events = EventsOfFork(flags, program, fork);
      EXPECT_FALSE(diff.copy_on_write.empty());
      EXPECT_EQ(diff.copy_on_write, events.broken) << program << " " << flags;
      EXPECT_EQ(diff.new_entries, events.ptes) << program << " " << flags;
    }
  }
}

// Whole tables are shared: their entries stay as they are, and a write copies all the same.
TEST_F(InspectCommand, DifferenceOfAForkNamesWhatASharedTableProtects) {
  const ForkDiff classic = DiffOfFork("--strategy=classic", g_tables, 1);
  const ForkDiff ondemand = DiffOfFork("--strategy=ondemand", g_tables, 1);
  EXPECT_EQ(classic.copy_on_write, ondemand.copy_on_write);
  EXPECT_EQ(classic.new_entries, ondemand.new_entries);
  EXPECT_EQ(classic.in_shared_tables, 0u);
  EXPECT_EQ(ondemand.in_shared_tables, 3u * 512);
  EXPECT_EQ(EventsOfFork("--strategy=ondemand", g_tables, 1).ptes,
            ondemand.new_entries - ondemand.in_shared_tables);
}

TEST_F(InspectCommand, MemoryInAFileAnswersTheSame) {
  const Outcome outcome = Shell(
      "F inspect --at=fork-end save $D/memory -- $P && F inspect --at=fork-end pt 2 -- $P >$D/1 && "
      "F inspect --memory=$D/memory pt 2 >$D/2 && cmp $D/1 $D/2 && "
      "F inspect --format=json diff $D/memory $D/memory");
  const nlohmann::json same = Json(outcome);
  EXPECT_TRUE(same["entries"].empty() && same["tasks"].empty() && same["frames"].empty());
  EXPECT_EQ(Shell("head -c 16777216 /dev/zero >$D/0; F inspect --memory=$D/0 ps 2>&1").status, 2);
  EXPECT_EQ(Shell("F inspect --memory=$D/none ps 2>&1").status, 2);
}

// The guest waits for its input, so the server answers from an idle guest; then from a busy one.
TEST_F(InspectCommand, ARunningGuest) {
  for (const char* program : {"cat", "sh -c 'while :; do :; done'"}) {
    const Outcome outcome = Shell(
        "mkfifo $D/in; \"$B\" run --timeout=60 --vm=$D/vm busybox " + std::string(program) +
        " <$D/in & exec 9>$D/in; until F inspect --vm=$D/vm ps 2>&1 | grep -q busybox; do :; done; "
        "F inspect --vm=$D/vm --format=json ps; kill $!; exec 9>&-; wait; test ! -e $D/vm");
    const nlohmann::json ps = Json(outcome);
    ASSERT_EQ(ps["tasks"].size(), 2u) << program;
    EXPECT_EQ(ps["tasks"][1]["command"], "  busybox");
    EXPECT_TRUE(ps["notes"].empty()) << ps["notes"];
  }
}

TEST_F(InspectCommand, FilesNameStrategiesAsTheRunDoes) {
  const nlohmann::json ps =
      Json(Shell("F inspect --strategy=ondemand --at=fork-end save $D/memory -- $P && "
                 "F inspect --format=json --memory=$D/memory ps"));
  EXPECT_EQ(ps["tasks"][1]["strategy"], "ondemand");
  const nlohmann::json snapshot =
      Json(Shell("F snapshot --at=fork --out=$D/snapshot $P && F inspect ps --format=json "
                 "--from=$D/snapshot"));
  EXPECT_EQ(snapshot["tasks"][1]["strategy"], "classic");
}

// The guest writes into the file that the question brings with it.
TEST_F(InspectCommand, ACoreOfARunningGuest) {
  const Outcome outcome = Shell(
      "mkfifo $D/in; \"$B\" run --timeout=60 --vm=$D/vm busybox cat <$D/in & exec 9>$D/in; "
      "until F inspect --vm=$D/vm ps >/dev/null 2>&1; do :; done; "
      "F inspect --vm=$D/vm core 2 --out=$D/core; head -c 4 $D/core; "
      "F inspect --vm=$D/vm core 9 --out=$D/none 2>&1; ls $D; kill $!; exec 9>&-; wait");
  EXPECT_NE(outcome.text.find("\x7f"
                              "ELF"),
            std::string::npos)
      << outcome.text;
  EXPECT_NE(outcome.text.find("no address space of task 9"), std::string::npos) << outcome.text;
  EXPECT_EQ(outcome.text.find("none"), std::string::npos) << "a file of no answer";
}

TEST_F(InspectCommand, FiguresOfMemory) {
  const Outcome one = Shell(
      "F inspect --at=fork-end graph 2 --out=$D/a.svg -- $P && cat $D/a.svg; "
      "F inspect --at=fork-end graph --out=$D/b.dot -- $P && cat $D/b.dot");
  EXPECT_EQ(one.status, 0) << one.text;
  for (const char* part :
       {"<svg", "Address space of 2 fork_two_pages", "copy-on-write (2)", "fork: classic",
        "digraph sharing", "3 fork_two_pages", "2 frames\\ncopy-on-write, mapped by 2"}) {
    EXPECT_NE(one.text.find(part), std::string::npos) << part << "\n" << one.text;
  }
}

TEST_F(InspectCommand, AKernelOfAFileNamesItsStrategies) {
  const nlohmann::json ps =
      Json(Shell("F kernel --out=$D/kernel && "
                 "F inspect --kernel=$D/kernel --at=fork-end --format=json ps -- $P"));
  EXPECT_EQ(ps["tasks"][1]["strategy"], "classic");
}

TEST_F(InspectCommand, ARecordedRun) {
  const Outcome all = Shell(
      "F run --record_share=0 --record=$D/r $P >/dev/null && n=0; "
      "while F inspect --recording=$D/r --step=$n --format=json ps >$D/ps 2>/dev/null; do "
      "  if grep -q '\"pid\": 3' $D/ps; then break; fi; n=$((n + 1)); done; "
      "F inspect --recording=$D/r --since=$((n - 1)) --step=$n --format=json diff");
  const nlohmann::json diff = Json(all);
  uint64_t copy_on_write = 0;
  for (const nlohmann::json& row : diff["entries"]) {
    if (row["change"] == "copy-on-write") copy_on_write += row["pages"].get<uint64_t>();
  }
  EXPECT_EQ(copy_on_write, 2u);
  const nlohmann::json ps =
      Json(Shell("F run --record_share=0 --record=$D/r $P >/dev/null && "
                 "F inspect ps --recording=$D/r --step=5 --format=json"));
  EXPECT_EQ(ps["tasks"][1]["strategy"], "classic");
  for (const auto& [question, sentence] : {std::pair("find 0x1234", "no contents of memory"),
                                           {"core 2 --out=$D/c", "no contents"},
                                           {"save $D/m", "no contents"},
                                           {"ps --step=100000", "no step 100000"},
                                           {"diff", "--since=STEP"},
                                           {"ps -- true", "of one guest"}}) {
    const Outcome outcome = Shell(std::string("F run --record_share=0 --record=$D/r $P >/dev/null; "
                                              "F inspect --recording=$D/r ") +
                                  question + " 2>&1");
    EXPECT_EQ(outcome.status, 2) << question;
    EXPECT_NE(outcome.text.find(sentence), std::string::npos) << question << outcome.text;
  }
}

TEST_F(InspectCommand, ATraceOfARun) {
  const nlohmann::json trace = Json(Shell("F run --trace=$D/trace $P >/dev/null && cat $D/trace"));
  ASSERT_TRUE(trace.is_array());
  bool fork = false;
  int depth = 0;
  for (const nlohmann::json& item : trace) {
    fork = fork || (item["ph"] == "X" && item["name"] == "fork");
    depth += item["ph"] == "B" ? 1 : item["ph"] == "E" ? -1 : 0;
  }
  EXPECT_TRUE(fork);
  EXPECT_EQ(depth, 0) << "every system call that began has ended";
  EXPECT_EQ(Shell("F run --trace=/nowhere/trace $P 2>&1").status, 2);
}

TEST_F(InspectCommand, ErrorsSayWhatIsWrong) {
  const struct {
    const char* script;
    const char* sentence;
  } wrong[] = {
      {"F inspect 2>&1", "which question?"},
      {"F inspect ps 2>&1", "of which guest?"},
      {"F inspect nothing -- $P 2>&1", "choose one of ps"},
      {"F inspect --at=never ps -- $P 2>&1", "is no moment"},
      {"F inspect --at=fork-end:9 ps -- $P 2>&1", "before fork-end:9: 1 such events came"},
      {"F inspect maps 9 -- $P 2>&1", "no address space of task 9"},
      {"F inspect --vm=$D/none ps 2>&1", "run --vm="},
      {"F inspect diff -- $P 2>&1", "--since=MOMENT"},
      {"F inspect core 2 -- $P 2>&1", "into which file?"},
      {"F inspect core --out=$D/core -- $P 2>&1", "core takes the pid"},
      {"F inspect graph --out=$D/a.png -- $P 2>&1", "FILE.svg, or FILE.dot"},
      {"F inspect vmcore --out=/nowhere/core -- $P 2>&1", "/nowhere/core"},
  };
  for (const auto& [script, sentence] : wrong) {
    const Outcome outcome = Shell(script);
    EXPECT_EQ(outcome.status, 2) << script;
    EXPECT_NE(outcome.text.find(sentence), std::string::npos) << script << "\n" << outcome.text;
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 5) {
    g_binary = std::filesystem::absolute(argv[1]).string();
    g_program = std::filesystem::absolute(argv[2]).string();
    g_tables = std::filesystem::absolute(argv[3]).string();
    g_threads = std::filesystem::absolute(argv[4]).string();
    g_segments = std::filesystem::absolute(argv[5]).string();
  }
  return RUN_ALL_TESTS();
}
