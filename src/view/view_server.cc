// SPDX-License-Identifier: Apache-2.0
//
// libevent's HTTP server. A viewer is driven by two callbacks: its last piece went out, or it is
// time to look for new bytes.
#include "src/view/view_server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/view/request_check.h"
#include "vmm/error.h"
#include "vmm/fd.h"

namespace fv::view {
namespace {

constexpr size_t kPieceBytes = size_t{256} * 1024;
constexpr timeval kLookAgain = {.tv_sec = 0, .tv_usec = 30'000};
constexpr size_t kMostViewers = 32;
constexpr int kMostHeaderBytes = 16 * 1024;
constexpr int kBacklog = 16;

// The page's own policy, in its head, names its script by hash; both hold.
constexpr std::pair<const char*, const char*> kHeaders[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
     "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-store"},
};

struct Free {
  void operator()(event_base* base) const { ::event_base_free(base); }
  void operator()(evhttp* http) const { ::evhttp_free(http); }
  void operator()(event* one) const { ::event_free(one); }
  void operator()(evbuffer* buffer) const { ::evbuffer_free(buffer); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

std::string_view View(const char* text) { return text == nullptr ? std::string_view() : text; }

absl::StatusOr<vmm::Fd> Listen(const std::string& address, uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &name.sin_addr) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("\"", address, "\" is no IPv4 address"));
  }
  vmm::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!listener.valid() ||
      ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0 ||
      ::listen(listener.get(), kBacklog) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("nobody can listen at ", address, ":", port, ": ", std::strerror(errno)));
  }
  return listener;
}

uint16_t PortOf(const vmm::Fd& listener) {
  sockaddr_in name{};
  socklen_t bytes = sizeof(name);
  if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &bytes) != 0) {
    vmm::ThrowErrno("getsockname", errno);
  }
  return ntohs(name.sin_port);
}

}  // namespace

class ViewServer::Loop {
 public:
  Loop(const ServerOptions& options, Source source, const vmm::Fd& listener);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  const ServerOptions& options() const { return options_; }
  uint16_t port() const { return port_; }

 private:
  // Somebody who gets the recording.
  struct Viewer {
    Loop* loop;
    evhttp_request* request;
    uint64_t position = 0;
    Owned<event> timer;
  };

  void Answer(evhttp_request* request);
  void SendPage(evhttp_request* request);
  void StartRecording(evhttp_request* request);
  void Continue(Viewer& viewer);
  void Forget(evhttp_connection* connection) { viewers_.erase(connection); }

  const ServerOptions options_;
  const Source source_;
  uint16_t port_;
  vmm::Fd stop_;  // eventfd(2)
  Owned<event_base> base_;
  Owned<evhttp> http_;
  Owned<event> stop_event_;
  std::map<evhttp_connection*, Viewer> viewers_;
  std::vector<uint8_t> piece_;
  std::thread thread_;
};

ViewServer::Loop::Loop(const ServerOptions& options, Source source, const vmm::Fd& listener)
    : options_(options),
      source_(std::move(source)),
      port_(PortOf(listener)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      base_(::event_base_new()),
      piece_(kPieceBytes) {
  if (!stop_.valid()) vmm::ThrowErrno("eventfd", errno);
  if (base_ == nullptr) vmm::ThrowErrno("event_base_new", errno);
  http_.reset(::evhttp_new(base_.get()));
  const auto stop = [](evutil_socket_t, short, void* base) {
    ::event_base_loopbreak(static_cast<event_base*>(base));
  };
  stop_event_.reset(::event_new(base_.get(), stop_.get(), EV_READ, stop, base_.get()));
  if (http_ == nullptr || stop_event_ == nullptr || ::event_add(stop_event_.get(), nullptr) != 0 ||
      // The server closes what it is given.
      ::evhttp_accept_socket(http_.get(), ::fcntl(listener.get(), F_DUPFD_CLOEXEC, 0)) != 0) {
    vmm::ThrowErrno("evhttp", errno);
  }
  ::evhttp_set_allowed_methods(http_.get(), EVHTTP_REQ_GET);
  ::evhttp_set_max_headers_size(http_.get(), kMostHeaderBytes);
  ::evhttp_set_max_body_size(http_.get(), 0);
  ::evhttp_set_gencb(
      http_.get(),
      [](evhttp_request* request, void* loop) { static_cast<Loop*>(loop)->Answer(request); }, this);
  thread_ = std::thread([this] {
    sigset_t all;  // signals belong to the guest's thread
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    ::event_base_dispatch(base_.get());
  });
}

ViewServer::Loop::~Loop() {
  const uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof(one));
  thread_.join();
  http_.reset();  // and with it every connection, which forgets its viewer
}

void ViewServer::Loop::Answer(evhttp_request* request) {
  const evkeyvalq* const headers = ::evhttp_request_get_input_headers(request);
  const std::string_view uri = View(::evhttp_request_get_uri(request));
  const size_t query = uri.find('?');
  const Verdict verdict =
      Check({.host = View(::evhttp_find_header(headers, "Host")),
             .origin = View(::evhttp_find_header(headers, "Origin")),
             .from_site = View(::evhttp_find_header(headers, "Sec-Fetch-Site")),
             .path = uri.substr(0, query),
             .query = query == uri.npos ? std::string_view() : uri.substr(query + 1)},
            port_, options_.token);
  evkeyvalq* const out = ::evhttp_request_get_output_headers(request);
  for (const auto& [name, value] : kHeaders) ::evhttp_add_header(out, name, value);
  if (!verdict.resource) {
    ::evhttp_send_reply(request, verdict.refusal.status, verdict.refusal.reason, nullptr);
  } else if (*verdict.resource == Resource::kPage) {
    SendPage(request);
  } else {
    StartRecording(request);
  }
}

void ViewServer::Loop::SendPage(evhttp_request* request) {
  ::evhttp_add_header(::evhttp_request_get_output_headers(request), "Content-Type",
                      "text/html; charset=utf-8");
  const Owned<evbuffer> body(::evbuffer_new());
  ::evbuffer_add(body.get(), options_.page.data(), options_.page.size());
  ::evhttp_send_reply(request, HTTP_OK, "OK", body.get());
}

void ViewServer::Loop::StartRecording(evhttp_request* request) {
  evhttp_connection* const connection = ::evhttp_request_get_connection(request);
  if (viewers_.size() >= kMostViewers) {
    ::evhttp_send_reply(request, HTTP_SERVUNAVAIL, "Too Many Viewers", nullptr);
    return;
  }
  Viewer& viewer = viewers_[connection];
  viewer = {this, request, 0, {}};
  const auto look = [](evutil_socket_t, short, void* which) {
    Viewer& again = *static_cast<Viewer*>(which);
    again.loop->Continue(again);
  };
  viewer.timer.reset(::event_new(base_.get(), -1, 0, look, &viewer));
  ::evhttp_connection_set_closecb(
      connection,
      [](evhttp_connection* closed, void* loop) { static_cast<Loop*>(loop)->Forget(closed); },
      this);
  ::evhttp_add_header(::evhttp_request_get_output_headers(request), "Content-Type",
                      "application/octet-stream");
  ::evhttp_send_reply_start(request, HTTP_OK, "OK");
  Continue(viewer);
}

void ViewServer::Loop::Continue(Viewer& viewer) {
  const bool complete = source_.complete();
  const uint64_t bytes = source_.bytes();
  const size_t wanted =
      bytes > viewer.position ? std::min<uint64_t>(bytes - viewer.position, piece_.size()) : 0;
  const ssize_t got =
      wanted == 0 ? 0
                  : ::pread(source_.fd, piece_.data(), wanted, static_cast<off_t>(viewer.position));
  if (got > 0) {
    viewer.position += static_cast<uint64_t>(got);
    const Owned<evbuffer> body(::evbuffer_new());
    ::evbuffer_add(body.get(), piece_.data(), static_cast<size_t>(got));
    const auto sent = [](evhttp_connection*, void* which) {
      Viewer& again = *static_cast<Viewer*>(which);
      again.loop->Continue(again);
    };
    ::evhttp_send_reply_chunk_with_cb(viewer.request, body.get(), sent, &viewer);
    return;
  }
  if (wanted == 0 && !complete) {
    ::event_add(viewer.timer.get(), &kLookAgain);
    return;
  }
  // All of it was sent, or the file cannot be read any more.
  evhttp_request* const request = viewer.request;
  evhttp_connection* const connection = ::evhttp_request_get_connection(request);
  ::evhttp_connection_set_closecb(connection, nullptr, nullptr);
  Forget(connection);
  ::evhttp_send_reply_end(request);
}

absl::StatusOr<std::unique_ptr<ViewServer>> ViewServer::Start(const ServerOptions& options,
                                                              Source source) {
  absl::StatusOr<vmm::Fd> listener = Listen(options.address, options.port);
  if (!listener.ok()) return listener.status();
  return std::unique_ptr<ViewServer>(
      new ViewServer(std::make_unique<Loop>(options, std::move(source), *listener)));
}

ViewServer::ViewServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
ViewServer::~ViewServer() = default;

uint16_t ViewServer::port() const { return loop_->port(); }

std::string ViewServer::Url() const {
  return absl::StrCat("http://", loop_->options().address, ":", port(),
                      "/?token=", loop_->options().token);
}

}  // namespace fv::view
