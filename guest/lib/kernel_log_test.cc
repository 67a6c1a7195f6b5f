// SPDX-License-Identifier: Apache-2.0
#include "guest/lib/kernel_log.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace fv::guest {

void WakeTask(Task&) {}  // nobody waits here

namespace {

class KernelLogTest : public ::testing::Test {
 protected:
  void Say(const std::string& text, uint8_t priority = kLogWarning, uint64_t time_ns = 0) {
    log_->Append(priority, time_ns, text.data(), text.size());
  }
  std::string Text(uint64_t sequence, size_t capacity = kLogTextMax) {
    std::string text(capacity, '\0');
    text.resize(FormatLogRecord(log_->At(sequence), text.data(), capacity));
    return text;
  }
  std::unique_ptr<KernelLog> log_ = std::make_unique<KernelLog>();
};

TEST_F(KernelLogTest, ALineHasPriorityAndTime) {
  Say("first\n", 8 + kLogInfo, 12'345'678'901);
  Say("");
  EXPECT_EQ(Text(0), "<14>[   12.345678] first\n");
  EXPECT_EQ(Text(1), "<4>[    0.000000] \n");
}

TEST_F(KernelLogTest, EveryLineOfARecordHasThem) {
  Say("one\ntwo\n");
  EXPECT_EQ(Text(0), "<4>[    0.000000] one\n<4>[    0.000000] two\n");
  EXPECT_EQ(Text(0, 30), "<4>[    0.000000] one\n");
}

TEST_F(KernelLogTest, KeepsTheLast) {
  for (uint64_t i = 0; i < KernelLog::kRecords + 5; ++i) {
    Say(std::to_string(i));
  }
  EXPECT_EQ(log_->first(), 5u);
  EXPECT_EQ(log_->next(), KernelLog::kRecords + 5);
  EXPECT_EQ(Text(5), "<4>[    0.000000] 5\n");
  EXPECT_EQ(Text(log_->next() - 1), "<4>[    0.000000] 68\n");
}

TEST_F(KernelLogTest, CutsWhatIsTooLong) {
  Say(std::string(1000, 'x'));
  EXPECT_EQ(log_->At(0).length, sizeof(LogRecord::text));
}

TEST_F(KernelLogTest, LessUrgentMessagesStayOffTheConsole) {
  EXPECT_TRUE(log_->ForConsole(kLogInfo));
  log_->levels.console = 4;
  EXPECT_FALSE(log_->ForConsole(kLogWarning));
  EXPECT_TRUE(log_->ForConsole(8 + kLogError));
}

}  // namespace
}  // namespace fv::guest
