// SPDX-License-Identifier: Apache-2.0
//
// See failures.h.
#include "src/session/failures.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "src/session/moment.h"
#include "vmm/error.h"

namespace fv::session {
namespace {

using proto::FailControl;
using proto::FailMode;
using proto::FailTrigger;

constexpr uint64_t kDefaultSeed = 1;

absl::Status Wrong(absl::string_view item, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("--fail: ", item, ": ", why));
}

// A count of 1 or more.
absl::StatusOr<uint64_t> Count(absl::string_view item, absl::string_view value) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(value, &number) || number == 0) return Wrong(item, "wants a number from 1");
  return number;
}

// A probability as a number of 2^32.
absl::StatusOr<uint64_t> Threshold(absl::string_view item, absl::string_view value) {
  double probability = 0;
  if (!absl::SimpleAtod(value, &probability) || !(probability > 0) || probability > 1) {
    return Wrong(item, "wants a number above 0, at most 1");
  }
  return static_cast<uint64_t>(std::ceil(std::ldexp(probability, 32)));
}

absl::Status SetMode(FailControl& plan, FailMode mode, absl::string_view item,
                     const absl::StatusOr<uint64_t>& number) {
  if (!number.ok()) return number.status();
  if (plan.mode != FailMode::kOff) return Wrong(item, "only one of nth, every and probability");
  plan.mode = mode;
  plan.number = *number;
  return absl::OkStatus();
}

absl::Status SetTrigger(FailControl& plan, absl::string_view item, absl::string_view text) {
  const absl::StatusOr<proto::Moment> moment = ParseTrigger(std::string(text));
  if (!moment.ok()) return Wrong(item, moment.status().message());
  plan.trigger = moment->trigger;
  plan.trigger_value = moment->value;
  return absl::OkStatus();
}

absl::Status AddItem(FailControl& plan, absl::string_view item) {
  absl::string_view value = item;
  if (absl::ConsumePrefix(&value, "after=")) return SetTrigger(plan, item, value);
  if (absl::ConsumePrefix(&value, "nth:")) {
    return SetMode(plan, FailMode::kNth, item, Count(item, value));
  }
  if (absl::ConsumePrefix(&value, "every:")) {
    return SetMode(plan, FailMode::kEvery, item, Count(item, value));
  }
  if (absl::ConsumePrefix(&value, "probability:")) {
    return SetMode(plan, FailMode::kProbability, item, Threshold(item, value));
  }
  if (absl::ConsumePrefix(&value, "seed:")) {
    const absl::StatusOr<uint64_t> seed = Count(item, value);
    if (seed.ok()) plan.seed = *seed;
    return seed.status();
  }
  return Wrong(item, "choose nth:N, every:K or probability:P[,seed:S], and after=MOMENT");
}

bool IsAllocator(const std::string& function) {
  static constexpr absl::string_view kAllocators[] = {
      "Allocate",       "AllocateFrames", "AllocateZeroedFrame",
      "AddSlab",        "KernelAllocate", "KernelAllocateZeroed",
      "AllocateObject", "MakeObject",     "New",
  };
  const size_t colon = function.rfind(':');
  const std::string last = colon == std::string::npos ? function : function.substr(colon + 1);
  return std::find(std::begin(kAllocators), std::end(kAllocators), last) != std::end(kAllocators);
}

}  // namespace

absl::StatusOr<FailControl> ParseFailPlan(const std::string& text) {
  FailControl plan{};
  plan.trigger = FailTrigger::kStart;
  plan.seed = kDefaultSeed;
  for (absl::string_view item : absl::StrSplit(text, ',')) {
    if (absl::Status status = AddItem(plan, item); !status.ok()) return status;
  }
  if (plan.mode == FailMode::kOff) return Wrong(text, "which one? nth:N, every:K or probability:P");
  return plan;
}

uint64_t FailPlanEvents(const FailControl& plan) {
  return TriggerEvents({.trigger = plan.trigger, .reserved = 0, .value = plan.trigger_value});
}

FailureObserver::FailureObserver(vmm::MachineInterface& machine, const FailControl& plan,
                                 std::span<const uint8_t> kernel_image)
    : machine_(machine), symbols_(kernel_image) {
  if (!machine.memory().Store(machine.channel_gpa() + offsetof(proto::ChannelHeader, fail), plan)) {
    throw vmm::VmmError(vmm::VmmErrorKind::kBadConfig, "the channel is not in guest memory");
  }
}

void FailureObserver::OnEvent(const proto::EventRecord& event) {
  if (event.kind == proto::EventKind::kFailedAllocation && places_.size() < kMostPlaces) {
    places_.push_back(event);
  }
}

std::string FailurePlace(const inspect::KernelSymbols& symbols, const proto::EventRecord& event) {
  std::vector<std::string> names;
  for (const uint64_t address : {event.b, event.c, event.d, event.e}) {
    // A return address may stand behind the end of a function that does not return.
    const std::string name = address == 0 ? "" : symbols.Function(address - 1);
    if (!name.empty() && !(names.empty() && IsAllocator(name))) names.push_back(name);
  }
  return absl::StrCat("in ", names.empty() ? "a function without a name" : names.front(),
                      names.size() > 1 ? " < " : "",
                      absl::StrJoin(names.begin() + (names.empty() ? 0 : 1), names.end(), " < "),
                      ", pid ", event.pid);
}

std::string FailureObserver::Summary() const {
  const FailControl fail =
      machine_.memory()
          .Load<FailControl>(machine_.channel_gpa() + offsetof(proto::ChannelHeader, fail))
          .value_or(FailControl{});
  if (fail.trigger != FailTrigger::kNone) return "--fail: the moment to start from never came";
  if (places_.empty()) {
    return absl::StrCat("--fail: ", fail.counted, " allocations, none failed");
  }
  if (fail.failed == 1) {
    return absl::StrCat("--fail: allocation ", places_[0].a, " of ", fail.counted, " failed, ",
                        FailurePlace(symbols_, places_[0]));
  }
  std::string text = absl::StrCat("--fail: ", fail.failed, " of ", fail.counted,
                                  " allocations failed, the first of them:");
  for (const proto::EventRecord& event : places_) {
    absl::StrAppend(&text, "\n  ", event.a, " ", FailurePlace(symbols_, event));
  }
  return text;
}

}  // namespace fv::session
