// SPDX-License-Identifier: Apache-2.0
//
// The server as a client on loopback sees it.
#include "src/view/view_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include "src/recording/recording_file.h"
#include "src/view/page_file.h"
#include "src/view/testing/client.h"
#include "vmm/fd.h"

namespace fv::view {
namespace {

using testing::Client;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kToken[] = "cafe";
constexpr char kPage[] = "<!doctype html><title>the page</title>";

class ViewServerTest : public ::testing::Test {
 protected:
  ViewServerTest() : file_(*recording::CreateFile("")) {
    absl::StatusOr<std::unique_ptr<ViewServer>> server = ViewServer::Start(
        {.token = kToken, .page = kPage},
        {file_.get(), [this] { return bytes_.load(); }, [this] { return complete_.load(); }});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string HostLine() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  std::string Get(const std::string& target, const std::string& host) const {
    return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
  }
  std::string Ask(const std::string& request) const {
    Client client(server_->port());
    client.Send(request);
    return client.ReceiveAll();
  }
  std::string Ask(const std::string& target, const std::string& host) const {
    return Ask(Get(target, host));
  }
  void Grow(const std::string& text) {
    EXPECT_EQ(::write(file_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    bytes_ += text.size();
  }

  vmm::Fd file_;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<bool> complete_ = false;
  std::unique_ptr<ViewServer> server_;
};

TEST_F(ViewServerTest, GivesThePage) {
  const std::string answer = Ask("/?token=cafe", HostLine());
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr(kPage));
  EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'none'"));
  EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff"));
  EXPECT_EQ(server_->Url(), "http://" + HostLine() + "/?token=cafe");
}

TEST_F(ViewServerTest, RefusesOthers) {
  EXPECT_THAT(Ask("/", HostLine()), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Ask("/?token=coffee", HostLine()), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Ask("/recording", HostLine()), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Ask("/?token=cafe", "evil.example:80"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Ask("/../../etc/passwd?token=cafe", HostLine()), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask("/etc/passwd?token=cafe", HostLine()), StartsWith("HTTP/1.1 404 "));
  const std::string cross = "GET /?token=cafe HTTP/1.1\r\nHost: " + HostLine() +
                            "\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n";
  EXPECT_THAT(Ask(cross), StartsWith("HTTP/1.1 403 "));
}

TEST_F(ViewServerTest, TakesNoOtherMethod) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "HEAD", "NONSENSE"}) {
    const std::string answer =
        Ask(std::string(method) + " /?token=cafe HTTP/1.1\r\nHost: " + HostLine() +
            "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, ::testing::Not(StartsWith("HTTP/1.1 2"))) << method;
    EXPECT_EQ(answer.find(kPage), std::string::npos) << method;
  }
}

TEST_F(ViewServerTest, SurvivesNonsense) {
  (void)Ask("\r\n\r\n\r\n\r\nGET\r\n\r\n");
  (void)Ask(std::string(100'000, 'x') + "\r\n\r\n");
  { Client silent(server_->port()); }
  EXPECT_THAT(Ask("/?token=cafe", HostLine()), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ViewServerTest, FollowsAFileThatGrows) {
  Grow("first.");
  Client client(server_->port());
  client.Send(Get("/recording?token=cafe", HostLine()));
  EXPECT_THAT(client.ReceiveUntil("first."), HasSubstr("first."));
  Grow("second.");
  EXPECT_THAT(client.ReceiveUntil("second."), HasSubstr("second."));
  Grow("third.");
  complete_ = true;
  const std::string all = client.ReceiveAll();
  EXPECT_THAT(all, HasSubstr("third."));
  EXPECT_THAT(all, ::testing::EndsWith("0\r\n\r\n")) << "the end of a chunked answer";
}

TEST_F(ViewServerTest, ALargeRecordingArrivesWhole) {
  std::string content(3'000'000, ' ');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i * 7 % 26);
  Grow(content);
  complete_ = true;
  // HTTP/1.0 has no chunks.
  const std::string answer =
      Ask("GET /recording?token=cafe HTTP/1.0\r\nHost: " + HostLine() + "\r\n\r\n");
  const size_t body = answer.find("\r\n\r\n");
  ASSERT_NE(body, std::string::npos);
  EXPECT_TRUE(answer.substr(body + 4) == content);
}

// Viewers that read nothing, or leave in the middle, hold nobody up.
TEST_F(ViewServerTest, SlowViewersAreTheirOwnAffair) {
  Grow(std::string(8'000'000, 'x'));
  Client slow(server_->port());
  slow.Send(Get("/recording?token=cafe", HostLine()));
  {
    Client leaves(server_->port());
    leaves.Send(Get("/recording?token=cafe", HostLine()));
    (void)leaves.ReceiveUntil("xxx");
  }
  Grow("end.");
  complete_ = true;
  EXPECT_THAT(Ask("/recording?token=cafe", HostLine()), HasSubstr("end."));
  EXPECT_THAT(slow.ReceiveAll(), HasSubstr("end."));
}

TEST_F(ViewServerTest, StopsWithViewersThere) {
  Grow("first.");
  Client client(server_->port());
  client.Send(Get("/recording?token=cafe", HostLine()));
  (void)client.ReceiveUntil("first.");
  server_.reset();
  (void)client.ReceiveAll();
}

TEST_F(ViewServerTest, ATakenPortIsTold) {
  const auto second =
      ViewServer::Start({.port = server_->port(), .token = kToken, .page = kPage},
                        {file_.get(), [] { return uint64_t{0}; }, [] { return true; }});
  EXPECT_FALSE(second.ok());
  EXPECT_FALSE(ViewServer::Start({.address = "example.org", .token = kToken, .page = kPage},
                                 {file_.get(), [] { return uint64_t{0}; }, [] { return true; }})
                   .ok());
}

TEST(PageFileTest, HasTheRecordingInside) {
  const std::string page =
      "<html><script id=\"recording\" type=\"application/octet-stream;base64\"></script></html>";
  const std::vector<uint8_t> bytes = {'F', 'V', 'R', 0xFF, 0};
  const absl::StatusOr<std::string> whole = PageWith(page, bytes);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(*whole,
            "<html><script id=\"recording\" type=\"application/octet-stream;base64\">RlZS/wA="
            "</script></html>");
  EXPECT_FALSE(PageWith("<html></html>", bytes).ok());
  EXPECT_FALSE(PageWith(page + page, bytes).ok());
}

}  // namespace
}  // namespace fv::view
