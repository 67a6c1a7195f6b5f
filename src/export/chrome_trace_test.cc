// SPDX-License-Identifier: Apache-2.0
#include "src/export/chrome_trace.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

namespace fv::exports {
namespace {

using proto::EventKind;
using proto::EventRecord;

EventRecord Event(EventKind kind, uint64_t tsc, uint32_t pid, uint64_t a = 0, uint64_t b = 0,
                  uint64_t c = 0, uint64_t d = 0) {
  EventRecord event{};
  event.kind = kind;
  event.tsc = tsc;
  event.pid = pid;
  event.a = a;
  event.b = b;
  event.c = c;
  event.d = d;
  return event;
}

// With a counter of 1 MHz, so that a cycle is a microsecond.
nlohmann::json TraceOf(const std::vector<EventRecord>& events) {
  char* text = nullptr;
  size_t bytes = 0;
  std::FILE* file = open_memstream(&text, &bytes);
  {
    ChromeTrace trace(file, 1000, "a \"program\"\n");
    for (const EventRecord& event : events) trace.Add(event);
  }
  std::fclose(file);
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << text;
  std::free(text);
  return json;
}

const nlohmann::json* Find(const nlohmann::json& trace, const char* phase, const char* name) {
  for (const nlohmann::json& item : trace) {
    if (item["ph"] == phase && item["name"] == name) return &item;
  }
  return nullptr;
}

TEST(ChromeTraceTest, AForkIsASliceWithItsPhasesInside) {
  const nlohmann::json trace = TraceOf({
      Event(EventKind::kBoot, 1000, 0, 500),
      Event(EventKind::kForkBegin, 1010, 2, 0, 0, 490),
      Event(EventKind::kForkPhase, 1030, 2, static_cast<uint64_t>(proto::ForkPhase::kTask), 15),
      Event(EventKind::kNewTask, 1040, 2, 2, 2, 3, 3),
      Event(EventKind::kForkEnd, 1050, 2, 3),
  });
  const nlohmann::json* fork = Find(trace, "X", "fork");
  ASSERT_NE(fork, nullptr);
  EXPECT_DOUBLE_EQ((*fork)["ts"], 10);
  EXPECT_DOUBLE_EQ((*fork)["dur"], 40);
  const nlohmann::json* phase = Find(trace, "X", "task");
  ASSERT_NE(phase, nullptr);
  EXPECT_DOUBLE_EQ((*phase)["ts"], 15);
  const nlohmann::json* arrow = Find(trace, "f", "fork");
  ASSERT_NE(arrow, nullptr);
  EXPECT_EQ((*arrow)["tid"], 3);
}

TEST(ChromeTraceTest, CallsAreClosedByExit) {
  const nlohmann::json trace = TraceOf({
      Event(EventKind::kSyscallEnter, 10, 2, 39),
      Event(EventKind::kSyscallExit, 12, 2, 39, 2),
      Event(EventKind::kSyscallExit, 13, 2, 39, 2),  // nobody entered
      Event(EventKind::kSyscallEnter, 14, 2, 231),
      Event(EventKind::kExit, 15, 2, 0, 0, 2),
  });
  int depth = 0;
  for (const nlohmann::json& item : trace) {
    depth += item["ph"] == "B" ? 1 : item["ph"] == "E" ? -1 : 0;
    EXPECT_GE(depth, 0);
  }
  EXPECT_EQ(depth, 0);
  EXPECT_NE(Find(trace, "B", "getpid"), nullptr);
}

TEST(ChromeTraceTest, TheCpuShowsWhoRan) {
  const nlohmann::json trace = TraceOf({
      Event(EventKind::kSwitch, 10, 0, 0, 2),
      Event(EventKind::kSwitch, 25, 2, 2, 0),
      Event(EventKind::kSwitch, 40, 0, 0, 3),
  });
  const nlohmann::json* slice = Find(trace, "X", "task 2");
  ASSERT_NE(slice, nullptr);
  EXPECT_DOUBLE_EQ((*slice)["dur"], 15);
  EXPECT_EQ(Find(trace, "X", "task 0"), nullptr) << "idle is a gap";
}

TEST(ChromeTraceTest, AnyEventsMakeValidJson) {
  std::mt19937_64 random(1);
  std::vector<EventRecord> events;
  for (int i = 0; i < 5000; ++i) {
    EventRecord event = Event(static_cast<EventKind>(random() % 48), random(), random() % 5,
                              random() % 400, random(), random(), random());
    events.push_back(event);
  }
  EXPECT_GT(TraceOf(events).size(), 1000u);
}

}  // namespace
}  // namespace fv::exports
