// SPDX-License-Identifier: Apache-2.0
#include "src/diff/align.h"

#include <sys/syscall.h>

#include <algorithm>

#include "src/diff/rules.h"

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
         call.number == SYS_clock_nanosleep;
}

// Where `calls` ends with a turn that comes again right behind the waiting call at `wait`: its
// length; else 0.
size_t TurnLength(const TaskTrace& task, const std::vector<size_t>& calls,
                  const std::vector<size_t>& rest, size_t wait) {
  const auto same = [&](size_t before, size_t behind) {
    return task.calls[calls[before]].number == task.calls[rest[behind]].number;
  };
  const size_t longest = std::min({kLongestTurn, calls.size(), rest.size() - wait - 1});
  for (size_t length = 1; length <= longest; ++length) {
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
      AddBoth(Compare(native, guest));
      return true;
    }
    AddBoth(Verdict::kCall);
    return false;
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
