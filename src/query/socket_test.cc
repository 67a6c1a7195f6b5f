// SPDX-License-Identifier: Apache-2.0
//
// Requests as bytes, and the socket's file; a server with a guest is in
// src/cli/inspect_command_test.
#include "src/query/socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "src/query/stop_at.h"

namespace fv::query {
namespace {

TEST(Request, SurvivesItsBytes) {
  const Request request{Format::kJson, {"find", "text:two words", ""}};
  absl::StatusOr<Request> parsed = ParseRequest(RequestBytes(request));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->words, request.words);
  EXPECT_EQ(parsed->format, Format::kJson);
}

TEST(Request, GarbageIsRefused) {
  using std::string_literals::operator""s;
  for (const std::string& bytes : {""s, "ps"s, "console"s, "html\0ps\0"s, "\0"s, "console\0ps"s}) {
    EXPECT_FALSE(ParseRequest(bytes).ok()) << bytes;
  }
}

TEST(Socket, OnlyItsUserMaySpeakAndStaleOnesAreReplaced) {
  std::string directory = "/tmp/socket_test_XXXXXX";  // a socket's path is short
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/socket";
  {
    absl::StatusOr<vmm::Fd> listener = ListenAt(path);
    ASSERT_TRUE(listener.ok()) << listener.status();
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(ListenAt(path).status().code(), absl::StatusCode::kAlreadyExists);
  }
  EXPECT_EQ(AskServer(path, Format::kConsole, {"ps"}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(ListenAt(path).ok()) << "nobody listens there any more";
  std::filesystem::remove(path);
  std::ofstream(path) << "a file";
  EXPECT_EQ(ListenAt(path).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ListenAt(std::string(200, 'x')).status().code(), absl::StatusCode::kInvalidArgument);
  std::filesystem::remove_all(directory);
}

TEST(When, IsAKindAndANumber) {
  EXPECT_TRUE(ParseWhen("end")->at_end());
  EXPECT_EQ(ParseWhen("fork-end")->nth, 1u);
  EXPECT_EQ(ParseWhen("cow-break:3")->kind, proto::EventKind::kCowBreak);
  EXPECT_EQ(WhenText(*ParseWhen("before:cow-break:3")), "before:cow-break:3");
  for (const char* text : {"", "fork", "fork-end:", "fork-end:0", "fork-end:x", "before:end"}) {
    EXPECT_FALSE(ParseWhen(text).ok()) << text;
  }
}

}  // namespace
}  // namespace fv::query
