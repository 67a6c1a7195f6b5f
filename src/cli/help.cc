// SPDX-License-Identifier: Apache-2.0
//
// forkvisor help and version. docs/command.md is the long form.
#include <cstdio>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/channel.h"
#include "src/cli/exit_codes.h"
#include "src/cli/verbs.h"

namespace fv::cli {
namespace {

constexpr char kGeneral[] =
    R"(forkvisor runs Linux programs on a tiny kernel under KVM and watches fork() from outside.

  forkvisor run [flags] [--] PROGRAM [ARGS...]       run a program, console attached
  forkvisor check [flags] [--] PROGRAM [ARGS...]     run it with every step checked, and sum up
  forkvisor check --mutants                          grade the oracle by kernels with known bugs
  forkvisor diff [flags] [--] PROGRAM [ARGS...]      run it natively and in the guest, and compare
  forkvisor view [flags] [--] PROGRAM [ARGS...]      a run in the browser: memory, step by step
  forkvisor inspect [flags] QUESTION [-- PROGRAM]    tasks, mappings, page tables at a moment
  forkvisor snapshot [flags] [--] PROGRAM [ARGS...]  run it to a moment, write the machine to a file
  forkvisor fuzz [flags]                             make programs up, look for what goes wrong
  forkvisor replay [flags] FILE                      run such a program, show its calls
  forkvisor coverage [flags] FILE|DIR...             what such programs reach of the guest kernel
  forkvisor bench [flags]                            fork in the guest beside fork natively
  forkvisor compare [flags] BEFORE AFTER             two results of bench: did it get slower?
  forkvisor kernel --out=FILE                        the guest kernel's ELF file, for debuggers
  forkvisor help [VERB]                              more about a verb
  forkvisor version

Exit codes: 0 ok, or the program's own status (128 + signal when killed); 1 finding of the oracle,
difference or regression; 2 usage; 3 no usable KVM or QEMU; 4 the guest failed; 5 the host did;
124 --timeout passed. 1 to 5 come with a message that begins "forkvisor:" (1 of diff with the
differences). docs/index.md says what to read.
)";

constexpr char kRun[] =
    R"(forkvisor run [flags] [--] PROGRAM [ARGS...]

Runs PROGRAM, an x86-64 Linux program (static, or with its libraries) or a script, in a guest. Flags
end at PROGRAM, which is pid 2 there.

  --rootfs=DIR|CPIO      root file system; without it a small one with PROGRAM at its own path
  --file=HOST[:GUEST]    copy a file or directory into the root; may be repeated
  --busybox=auto|always|never   busybox in the default root (auto: if a shell is wanted)
  --cwd=DIR              working directory in the guest
  --env=NAME[=VALUE]     for the program's environment; may be repeated. No value: the host's
  --mem=SIZE             guest memory, 16M to 256G (256M); reserved, not touched
  --kernel_ring=auto|0|3 CPU ring of the guest kernel
  --check=off|end|sampled|every   when the oracle looks (off); both: every step, twice
  --events=FILE|-        write events as text; - is standard error
  --event_kinds=all|KIND,...     which ones (proto/events.h has the kinds)
  --trace=FILE           write the run as a trace that ui.perfetto.dev opens
  --record=FILE          record it step by step: what happened, and the state after each safepoint
  --record_limit=SIZE    largest recording (256M); 0: none. --record_kinds=KIND,...: its events
  --record_share=PERCENT the stops for it may make the run so much longer (20); then several steps
                         are recorded as one. 0: never
  --strategy=classic|ondemand|eager|recent   fork copies page-table entries, tables at need, pages,
                         or pages lately written; any that the kernel has; --fork does as well
  --timeout=SECONDS      longest run; 0: no limit
  --fail=nth:N|every:K|probability:P[,seed:S][,after=start|fork|mark:ID|syscall:NAME]
                         allocations of the kernel that fail, counted from that moment (start)
  --deterministic        no timer tick, a virtual clock: the same run every time
  --kernel=FILE          another guest kernel; kasan: one that checks itself, fuzz: one with mutants
  --mutant=NAME          switch on a bug of that last one (docs/invariants.md lists them)
  --host=kvm|qemu        what executes the guest: KVM, or QEMU's translator where there is no KVM
  --qemu=PROGRAM, --qemu_cpu=full|plain   which QEMU, and the CPU that it is asked for
  --kvm_device=FILE      KVM's device (/dev/kvm)
  --from=FILE            go on from a snapshot (forkvisor snapshot), which has its PROGRAM already
  --repeat=N             run it N times, going back to the snapshot each time
  --prove_reset=every|sampled|off   then compare all memory and registers with it (sampled)
  --vm=SOCKET            answer the questions of "forkvisor inspect --vm=SOCKET" there
  --gdb=PORT             debug kernel and programs: gdb connects to this port of 127.0.0.1 (0: any)
  -v                     say what happens
)";

constexpr char kCheck[] =
    R"(forkvisor check [flags] [--] PROGRAM [ARGS...]

Runs PROGRAM as "forkvisor run --check=every" does and prints on standard error how many safepoints
were checked, what that cost, and which invariants held. Exit code 1 if one did not. The flags are
those of run; with --gdb=PORT the guest stops for gdb where an invariant breaks.

forkvisor check --mutants[=NAME,...] [--jobs=N] [--format=console|json]

Grades the oracle instead: boots a kernel with one known bug after the other and tells by which
invariant each was caught, after how many safepoints. Exit code 0 only if all were caught and the
kernel without a bug was not accused. --kernel, --kernel_ring, --mem, --host and -v as above.
)";

constexpr char kDiff[] =
    R"(forkvisor diff [flags] [--] PROGRAM [ARGS...]

Runs PROGRAM on this Linux and in a guest, with the same input, environment and files, and compares
standard output, standard error and exit status. Natively the program runs in namespaces of its own
(user, pid, mount, network...), in a copy of the guest's root. Exit code 0: equal, 1: different.

  --syscalls             compare the results of all system calls too, task by task
  --ignore=CALL,...      but not of these
  --differences=N        how many differences of system calls are shown (10)
  --context=N            calls shown before each (5)
  --native_root=auto|private|host    host: the host's files, an empty working directory
  --native_user=namespace|caller     caller: with the rights of who runs this, for programs you trust
  --format=console|json
  --timeout=SECONDS      longest run, of each; 0: no limit
  --check=off|end|sampled|every      when the oracle looks, in the guest

and of run: --rootfs, --file, --busybox, --cwd, --env, --mem, --kernel_ring, --strategy, --host,
--qemu, --qemu_cpu, --deterministic, --kernel, --mutant, --kvm_device, -v. Standard input is read to its end first; a
terminal is not read.
)";

constexpr char kInspect[] =
    R"(forkvisor inspect [flags] QUESTION [flags] [-- PROGRAM [ARGS...]]

Answers about a guest: one that runs (--vm), a program started for the question, memory in a file.

  ps                     tasks as a tree, with their pages, shared and private
  maps PID               mappings, and how much of each is present, copy-on-write, exclusive, dirty
  pt PID [START-END]     page tables as merged ranges; rc-: writable, but copy-on-write
  pt PID ADDRESS         the way of one address: four levels, the frame, everybody who maps it
  frames [PFN]           physical memory by state; one frame with everybody who maps it
  slabs                  the kernel's object caches
  events [N]             the last N events (20)
  find VALUE|hex:BYTES|text:CHARACTERS    where that is in memory, and who sees it
  diff                   of a program: what changed from --since to --at
  diff FILE FILE         what changed from one memory to another
  save FILE              a program's memory at the moment, for --memory and diff
  core PID               a process as a core file, into --out: gdb PROGRAM FILE
  vmcore                 the whole guest as a core file, into --out: gdb KERNEL FILE
  graph PID              a figure of that address space, into --out=FILE.svg or FILE.dot (Graphviz)
  graph [PID PID...]     a figure of who shares memory with whom

  --vm=SOCKET            the guest of "forkvisor run --vm=SOCKET ..." (check, too)
  --memory=FILE          a guest's RAM, as save writes it and QEMU keeps it, or a snapshot
  --recording=FILE --step=N   a recorded run (run --record=FILE) after N of its steps: ps, maps, pt,
                         frames, events, graph; diff, from --since=N on
  --from=FILE            a snapshot as it stands; with --at its program goes on to that moment
  --at=MOMENT            end (of the program: no task is left), or [before:]KIND[:N]: the first
                         safepoint after, or the last before, the N-th event of a kind (fork-end,
                         cow-break:3, before:exec)
  --since=MOMENT         diff: the earlier moment (of a recording: step)
  --out=FILE             core, vmcore, graph: where to
  --format=console|json

and the flags of run but for --check and --gdb, for PROGRAM, whose standard output goes to standard
error.
)";

constexpr char kView[] =
    R"(forkvisor view [flags] [--] PROGRAM [ARGS...]

Runs PROGRAM, records it and serves the recording as a page, from the start of the run on until
interrupted. The page's address stands on standard error.

  --recording=FILE       show this recording (run --record=FILE) instead of a run
  --html=FILE            write one file with the page and the recording in it, serve nothing
  --port=N               of the server (0: any)
  --bind=ADDRESS         where it listens (127.0.0.1: this machine alone)

and the flags of run, but for --gdb: --check=every shows what the oracle finds where it happened, --record=FILE
keeps the recording.
)";

constexpr char kSnapshot[] =
    R"(forkvisor snapshot [flags] --out=FILE [--] PROGRAM [ARGS...]

Runs PROGRAM up to a moment and writes the whole machine into FILE, from which run and check go on
with --from=FILE as often as wanted. The guest is then always the same kernel, on KVM, on a CPU with
the same features.

  --out=FILE
  --at=start|fork|mark:ID|syscall:NAME|exit|time:SECONDS   the moment (start: the first instruction)

and the flags of run, but for --check, --gdb and --from.
)";

constexpr char kFuzz[] =
    R"(forkvisor fuzz [flags]

Makes programs of concurrent tasks up, runs each in a guest and looks for what is wrong: a finding
of the oracle, a panic, a run without end, and with --differential another result than Linux has.
Findings are minimised and kept in DIR/findings, programs worth more changes in DIR/corpus; a
campaign goes on where the last one in DIR ended. Exit code 1: this campaign found something.

  --time=1m              90, 90s, 10m, 1h; 0: until a signal
  --programs=N           end after so many programs of each job; 0: no limit
  --jobs=N               processes; 0: one for each CPU (0)
  --corpus=DIR           the campaign's directory (fuzz)
  --merge=DIR,DIR...     run their programs, keep in --corpus what shows more, and their findings
  --engine=libfuzzer|afl   afl: a target that afl-fuzz starts (docs/campaigns.md)
  --dictionary=FILE      only write the table of calls, for engines that change bytes
  --seed=N               of all choices (1)
  --compares             keep programs that bring the kernel's comparisons nearer to equal, too
  --differential         compare with this Linux; programs run in turns then
  --native_user=namespace|caller
  --check=off|end|sampled|every   when the oracle looks (end)
  --prove_reset=every|sampled|off   compare all memory after a reset of the guest (sampled)
  --from=FILE            jobs start from this snapshot, which is made if it is not there
  --format=console|json  of the summary
  --coverage=FILE.lcov|DIR   what was reached of the guest kernel; a directory gets HTML pages too
  --source=DIR           the guest kernel's source, for these (.)
  --strategy=NAME, --kernel=FILE, --mutant=NAME   as of run
)";

constexpr char kCoverage[] =
    R"(forkvisor coverage [flags] FILE|DIR...

Runs programs as fuzz makes them (.textproto, or bytes of a corpus; of a directory all, of a
campaign's its corpus) once each and tells what they reach of the guest kernel.

  --out=FILE.lcov|DIR    lcov's tracefile; a directory gets it and HTML pages
  --source=DIR           the guest kernel's source, for the pages (.)
  --format=console|json
  --check=off|end|sampled|every   when the oracle looks (off)
  --strategy=NAME, --kernel=FILE, --mutant=NAME   as of run
)";

constexpr char kReplay[] =
    R"(forkvisor replay [flags] FILE

Runs the program in FILE (.textproto, as fuzz writes it) in a guest and prints its calls with their
results, task by task, and what is wrong. Exit code 1 if something is.

  --as=c|text|textproto|json|bytes   run nothing: write the program as C source that compiles on
                         any Linux (forkvisor replay --as=c FILE >f.c && cc f.c && ./a.out), as the
                         list of its calls, as a message, as in a corpus
  --differential         natively too, and compare
  --native_user=namespace|caller
  --check=off|end|sampled|every   when the oracle looks (every)
  --events=FILE|-, --event_kinds=all|KIND,...     the guest's events as text
  --record=FILE, --record_limit=SIZE, --record_kinds=KIND,...   record it, for "forkvisor view"
  --strategy=NAME, --kernel=FILE, --mutant=NAME   as of run
)";

constexpr char kBench[] =
    R"(forkvisor bench [flags]

Measures fork of a process with so much memory, in the guest and natively, the two interleaved.

  --sizes=0,1M,16M,64M,256M,1G   mapped memory
  --touch=write|read|none        how its pages were touched before
  --repetitions=N                samples of each case; 0: by size
  --native, --nonative           measure natively too
  --checked, --nochecked         a row with every step checked by the oracle
  --format=console|json|csv      json has Google Benchmark's form; "forkvisor compare" reads it
  --out=FILE                     write the result there
  --kernel_ring=auto|0|3, --strategy=NAME, --kernel=FILE, --kvm_device=FILE, -v   as of run

  --from=FILE            instead: what the snapshot in FILE costs - a machine of it, its program's
                         run, going back to it (--repetitions times), the proof. Formats: console, json

The laboratory: a matrix of cells, repeated until every median is known exactly enough.

  --vary=AXIS[:VALUE+VALUE...],...   axes: size, strategy, touch, vmas (mappings that hold the
                         memory), depth (living ancestors that share it), dirty (percent of it that
                         child and parent write after a fork). An axis without values has a few of
                         its own; one that is not named has one value
  --width=PERCENT        repeat until the 95 % interval of the median is so narrow (2)
  --budget=TIME          but no longer than this: 90s, 10m, 2h (10m)
  --repetitions=N        instead: so many cycles of each cell
  --resume=FILE          keep each finished batch in FILE, and go on from what is there. Without
                         it, what SIGINT or SIGTERM interrupts is kept in a file that is named then
  --report=FILE.html     one page with charts and their data; needs no network to be read
  --format=hgrm          every distribution as HdrHistogram's tools write it
)";

constexpr char kCompare[] =
    R"(forkvisor compare [flags] BEFORE.json AFTER.json

Compares two results of "forkvisor bench --format=json", cell by cell: ratio of the medians (after
by before) with its 95 % interval, and the test of Mann and Whitney. Exit code 1: a cell got slower
by more than the bound, and not by chance. 2: a file is no such result.

  --bound=5%             smaller changes are none
  --format=console|json
  --out=FILE             write the result there
  --report=FILE.html     both side by side as one page with charts and their data
)";

constexpr char kKernel[] =
    R"(forkvisor kernel --out=FILE

Writes the guest kernel that is inside the command: an ELF file with symbols and line numbers, for
gdb's add-symbol-file, objdump, nm. With --kernel=FILE or NAME: that one, as run would take it;
--kernel=fuzz is the one with mutants.
)";

const std::map<std::string, const char*, std::less<>>& Texts() {
  static const std::map<std::string, const char*, std::less<>> kTexts = {
      {"", kGeneral},        {"run", kRun},       {"check", kCheck},       {"diff", kDiff},
      {"inspect", kInspect}, {"bench", kBench},   {"snapshot", kSnapshot}, {"compare", kCompare},
      {"fuzz", kFuzz},       {"replay", kReplay}, {"coverage", kCoverage}, {"view", kView},
      {"kernel", kKernel}};
  return kTexts;
}

}  // namespace

void Complain(std::string_view message) {
  std::fprintf(stderr, "forkvisor: %.*s\n", static_cast<int>(message.size()), message.data());
}

void Complain(const absl::Status& status) { Complain(std::string(status.message())); }

int UsageError(std::string_view verb, std::string_view message) {
  Complain(message);
  std::fprintf(stderr, "Try: forkvisor help%s%.*s\n", verb.empty() ? "" : " ",
               static_cast<int>(verb.size()), verb.data());
  return kExitUsage;
}

int UsageError(std::string_view verb, const absl::Status& status) {
  return UsageError(verb, std::string(status.message()));
}

int StatusError(const absl::Status& status) {
  Complain(status);
  return kExitUsage;
}

int ShowHelp(std::string_view verb) {
  const auto found = Texts().find(verb);
  if (found == Texts().end()) {
    return UsageError("", absl::StrCat("no help about ", std::string(verb)));
  }
  std::fputs(found->second, stdout);
  return kExitOk;
}

int HelpVerb(const Words& args) {
  return ShowHelp(args.empty() || args.front().starts_with("-") ? "" : args.front());
}

int VersionVerb(const Words&) {
  std::printf("forkvisor 0.1, contract %u, layout %016llx\n", proto::kContractVersion,
              static_cast<unsigned long long>(proto::kLayoutHash));
  return kExitOk;
}

}  // namespace fv::cli
