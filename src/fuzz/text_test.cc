// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/text.h"

#include <gtest/gtest.h>

#include "src/fuzz/mutate.h"

namespace fv::fuzz {
namespace {

TEST(Text, GivesTheProgramBack) {
  Random random(1);
  for (int round = 0; round < 1000; ++round) {
    const Program program = RandomProgram(random, {});
    const std::string text = ToText(program);
    const absl::StatusOr<Program> parsed = ParseText(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status() << "\n" << text;
    ASSERT_EQ(*parsed, program) << text;
  }
}

constexpr char kForkAndWait[] = R"(
  tasks {
    calls { name: "fork" arguments { task: 1 } }
    calls { name: "wait4" arguments { flags: "-1" } arguments { structure { outbuf: true } }
            arguments { flags: "WUNTRACED|__WALL" } arguments { flags: "0" } }
  }
  tasks { calls { name: "exit" arguments { flags: "77" } } }
)";

TEST(Text, ReadsWhatPeopleWrite) {
  const absl::StatusOr<Program> program = ParseText(kForkAndWait);
  ASSERT_TRUE(program.ok()) << program.status();
  ASSERT_EQ(program->tasks.size(), 2u);
  EXPECT_EQ(program->turns.size(), 2u);  // one of each task, made up
  EXPECT_EQ(StepText(program->tasks[0].steps[0]), "fork(task 1)");
  EXPECT_EQ(StepText(program->tasks[0].steps[1]), "wait4(-1, &output, WUNTRACED|__WALL, 0)");
  EXPECT_EQ(StepText(program->tasks[1].steps[0]), "exit(77)");
}

TEST(Text, SaysWhatIsWrong) {
  const auto message = [](const char* text) {
    return std::string(ParseText(text).status().message());
  };
  EXPECT_NE(message("tasks { calls { name: ").find("1:"), std::string::npos);
  EXPECT_EQ(message("tasks { calls { name: \"reboot\" } }"), "task 0, call 0: no call reboot");
  EXPECT_EQ(message("tasks { calls { name: \"fork\" } }"), "task 0, call 0: fork has 1 arguments");
  EXPECT_EQ(message("tasks { calls { name: \"exit\" arguments { flags: \"SEVEN\" } } }"),
            "task 0, call 0: unknown: SEVEN");
  // What would have to be changed in silence.
  for (const char* structure :
       {"text { text: \"no such text\" }", "sigaction { mask: 16777216 }",
        "sigevent { notify: 256 }", "sched_attr { nice: 200 }", "stack { page: 300 }"}) {
    const std::string text = std::string("tasks { calls { name: \"unlink\" arguments { ") +
                             "structure { " + structure + " } } } }";
    EXPECT_EQ(message(text.c_str()), std::string("task 0, call 0: impossible: ") + structure);
  }
  for (const char* text : {"turns: 1 tasks { }", "turns: 256 tasks { }",
                           "tasks { calls { name: \"getpgid\" arguments { pid: 256 } } }"}) {
    EXPECT_NE(message(text).find("not a valid program"), std::string::npos) << text;
  }
  // A child that no call makes.
  EXPECT_NE(message("tasks { } tasks { }").find("not a valid program"), std::string::npos);
}

}  // namespace
}  // namespace fv::fuzz
