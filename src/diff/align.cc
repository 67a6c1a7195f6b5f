// SPDX-License-Identifier: Apache-2.0
#include "src/diff/align.h"

#include <sys/syscall.h>

#include <algorithm>

#include "src/diff/rules.h"
#include "src/trace/names.h"

namespace fv::diff {
namespace {

using trace::Call;
using trace::TaskTrace;

// How far an optional call looks for its counterpart, in calls.
constexpr size_t kWindow = 64;
// The longest turn of a waiting loop, in calls.
constexpr size_t kLongestTurn = 16;

// Calls by which a loop waits.
bool Waits(const Call& call) {
  return call.number == SYS_sched_yield || call.number == SYS_nanosleep ||
         call.number == SYS_clock_nanosleep || FoundNoChild(call);
}

// Calls that are never a part of waiting: they make tasks, or send signals.
bool Acts(const Call& call) {
  switch (call.number) {
    case SYS_fork:
    case SYS_vfork:
    case SYS_clone:
    case SYS_clone3:
    case SYS_execve:
      return true;
    case SYS_kill:
    case SYS_tkill:
      return call.arguments[1] != 0;
    case SYS_tgkill:
      return call.arguments[2] != 0;
    default:
      return false;
  }
}

bool SameArguments(const Call& one, const Call& other) {
  const trace::SyscallInfo* info = trace::FindSyscall(one.number);
  const size_t known = std::min<size_t>(one.known_arguments, other.known_arguments);
  const size_t count = info == nullptr ? known : std::min(known, info->kinds.size());
  return std::equal(one.arguments.begin(), one.arguments.begin() + count, other.arguments.begin());
}

// Where `calls` ends with a turn that comes again right behind the waiting call at `wait`: its
// length; else 0.
size_t TurnLength(const TaskTrace& task, const std::vector<size_t>& calls,
                  const std::vector<size_t>& rest, size_t wait) {
  const auto same = [&](size_t before, size_t behind) {
    return task.calls[calls[before]].number == task.calls[rest[behind]].number;
  };
  // A turn begins as the one before did.
  const auto begins_alike = [&](size_t before) {
    return SameArguments(task.calls[calls[before]], task.calls[rest[wait + 1]]);
  };
  const size_t longest = std::min({kLongestTurn, calls.size(), rest.size() - wait - 1});
  for (size_t length = 1; length <= longest; ++length) {
    if (Acts(task.calls[calls[calls.size() - length]])) return 0;
    if (!begins_alike(calls.size() - length)) continue;
    size_t i = 0;
    while (i < length && same(calls.size() - length + i, wait + 1 + i)) ++i;
    if (i == length) return length;
  }
  return 0;
}

class Aligner {
 public:
  Aligner(const AlignInput& input, Flow flow, size_t native_task, size_t guest_task)
      : input_(input),
        flow_(flow),
        native_(input.native.tasks[native_task]),
        guest_(input.guest.tasks[guest_task]),
        native_calls_(ComparedCalls(native_, flow, input.ignored)),
        guest_calls_(ComparedCalls(guest_, flow, input.ignored)) {}

  std::vector<Step> Run() {
    for (;;) {
      PairOptional();
      const bool native_left = at_native_ < native_calls_.size();
      const bool guest_left = at_guest_ < guest_calls_.size();
      if (!native_left || !guest_left) {
        // The one that goes on is the other's past, if the other was cut off.
        if (native_left && !IsCut(input_.guest, guest_)) AddNative(Verdict::kMissing);
        if (guest_left && !IsCut(input_.native, native_)) AddGuest(Verdict::kMissing);
        return std::move(steps_);
      }
      if (!SameCall()) return std::move(steps_);
    }
  }

 private:
  const Call& NativeAt(size_t at) const { return native_.calls[native_calls_[at]]; }
  const Call& GuestAt(size_t at) const { return guest_.calls[guest_calls_[at]]; }

  static bool IsCut(const trace::Trace& trace, const TaskTrace& task) {
    return trace.truncated || EndedFromOutside(task);
  }

  void AddNative(Verdict verdict) {
    steps_.push_back({native_calls_[at_native_++], std::nullopt, verdict});
  }
  void AddGuest(Verdict verdict) {
    steps_.push_back({std::nullopt, guest_calls_[at_guest_++], verdict});
  }
  void AddBoth(Verdict verdict) {
    steps_.push_back({native_calls_[at_native_++], guest_calls_[at_guest_++], verdict});
  }

  // The first call at or behind `at` that has to be there.
  size_t NextRequired(const TaskTrace& task, const std::vector<size_t>& calls, size_t at) const {
    if (flow_ == Flow::kHandlers) return calls.size();
    while (at < calls.size() && IsOptional(task.calls[calls[at]])) ++at;
    return at;
  }

  // Up to the next required call on both sides.
  void PairOptional() {
    size_t native_end = NextRequired(native_, native_calls_, at_native_);
    size_t guest_end = NextRequired(guest_, guest_calls_, at_guest_);
    while (at_native_ < native_end) {
      size_t match = at_guest_;
      const size_t end = std::min(guest_end, at_guest_ + kWindow);
      while (match < end && GuestAt(match).number != NativeAt(at_native_).number) ++match;
      if (match == end) {
        AddNative(Verdict::kSkipped);
        continue;
      }
      while (at_guest_ < match) AddGuest(Verdict::kSkipped);
      AddBoth(Compare(NativeAt(at_native_), GuestAt(at_guest_)));
    }
    while (at_guest_ < guest_end) AddGuest(Verdict::kSkipped);
  }

  // False behind an other call.
  bool SameCall() {
    const Call& native = NativeAt(at_native_);
    const Call& guest = GuestAt(at_guest_);
    if (native.number == guest.number) {
      if (native.source == Call::Source::kOther) {
        AddBoth(Compare(native, guest));
      } else {
        AddReads();
      }
      return true;
    }
    AddBoth(Verdict::kCall);
    return false;
  }

  struct Reads {
    size_t end;          // behind the last one
    int64_t bytes;       // of all
    bool until_the_end;  // the last one found nothing more
  };
  // The reads of one descriptor from `at` on, of the same kind and one behind the other; those that
  // a signal interrupted are made again.
  static Reads ReadsFrom(const TaskTrace& task, const std::vector<size_t>& calls, size_t at) {
    const Call& first = task.calls[calls[at]];
    Reads reads{.end = at, .bytes = 0, .until_the_end = false};
    for (; reads.end < calls.size(); ++reads.end) {
      const Call& call = task.calls[calls[reads.end]];
      if (call.number != first.number || call.arguments[0] != first.arguments[0]) break;
      if (call.Interrupted()) continue;
      if (!call.Returned() || call.result < 0) break;
      reads.bytes += call.result;
      reads.until_the_end = call.result == 0;
    }
    return reads;
  }

  // In how many pieces the bytes of a stream come, or the text of a kernel's file, is chance: such
  // reads are compared as one.
  void AddReads() {
    const Reads native = ReadsFrom(native_, native_calls_, at_native_);
    const Reads guest = ReadsFrom(guest_, guest_calls_, at_guest_);
    if (native.end == at_native_ || guest.end == at_guest_) {
      AddBoth(Compare(NativeAt(at_native_), GuestAt(at_guest_)));
      return;
    }
    const bool same = NativeAt(at_native_).source == Call::Source::kKernelFile ||
                      (native.bytes == guest.bytes && native.until_the_end == guest.until_the_end);
    AddBoth(same ? Verdict::kEqual : Verdict::kResult);
    while (at_native_ < native.end && at_guest_ < guest.end) AddBoth(Verdict::kEqual);
    while (at_native_ < native.end) AddNative(Verdict::kSkipped);
    while (at_guest_ < guest.end) AddGuest(Verdict::kSkipped);
  }

  Verdict Compare(const Call& native, const Call& guest) const {
    std::optional<size_t> task;
    if (native.result_task) task = input_.counterparts[*native.result_task];
    return SameResult({native, guest}, task) ? Verdict::kEqual : Verdict::kResult;
  }

  const AlignInput& input_;
  const Flow flow_;
  const TaskTrace& native_;
  const TaskTrace& guest_;
  std::vector<size_t> native_calls_, guest_calls_;
  size_t at_native_ = 0;
  size_t at_guest_ = 0;
  std::vector<Step> steps_;
};

}  // namespace

std::vector<size_t> ComparedCalls(const TaskTrace& task, Flow flow,
                                  const std::set<uint64_t>& ignored) {
  std::vector<size_t> all;
  for (size_t i = 0; i < task.calls.size(); ++i) {
    const Flow its_flow = task.calls[i].handler_depth > 0 ? Flow::kHandlers : Flow::kMain;
    if (its_flow == flow && !ignored.contains(task.calls[i].number)) all.push_back(i);
  }
  std::vector<size_t> calls;
  for (size_t at = 0; at < all.size(); ++at) {
    const size_t turn = Waits(task.calls[all[at]]) ? TurnLength(task, calls, all, at) : 0;
    calls.resize(calls.size() - turn);
    if (turn == 0) calls.push_back(all[at]);
  }
  return calls;
}

bool EndedFromOutside(const TaskTrace& task) {
  if (!task.ended || task.calls.empty()) return true;
  const uint64_t last = task.calls.back().number;
  return last != SYS_exit && last != SYS_exit_group;
}

std::vector<Step> Align(const AlignInput& input, Flow flow, size_t native_task, size_t guest_task) {
  return Aligner(input, flow, native_task, guest_task).Run();
}

}  // namespace fv::diff
