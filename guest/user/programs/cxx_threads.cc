// SPDX-License-Identifier: Apache-2.0
//
// C++ threads: std::thread, mutex, condition_variable, future and promise, atomics, call_once,
// thread_local with destructors, an exception carried from one thread to another.
#include <atomic>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

std::atomic<int> destroyed{0};

struct PerThread {
  ~PerThread() { ++destroyed; }
  int value = 0;
};
thread_local PerThread per_thread;

int ParallelSum(const std::vector<int>& values) {
  std::vector<std::thread> threads;
  std::vector<long> parts(4);
  for (size_t t = 0; t < parts.size(); ++t) {
    threads.emplace_back([&, t] {
      per_thread.value = static_cast<int>(t);
      size_t chunk = values.size() / parts.size();
      auto begin = values.begin() + static_cast<long>(t * chunk);
      parts[t] = std::accumulate(begin, begin + static_cast<long>(chunk), 0L);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return static_cast<int>(std::accumulate(parts.begin(), parts.end(), 0L));
}

void PingPong() {
  std::mutex mutex;
  std::condition_variable changed;
  int turn = 0;
  auto play = [&](int me) {
    for (int i = 0; i < 200; ++i) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return turn % 2 == me; });
      ++turn;
      changed.notify_one();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  std::cout << "turns " << turn << "\n";
}

}  // namespace

int main() {
  std::vector<int> values(10000);
  std::iota(values.begin(), values.end(), 1);
  std::cout << "sum " << ParallelSum(values) << "\n";
  std::cout << "destroyed " << destroyed << "\n";
  PingPong();
  std::future<int> answer = std::async(std::launch::async, [] { return 42; });
  std::cout << "answer " << answer.get() << "\n";
  std::future<int> thrown =
      std::async(std::launch::async, []() -> int { throw std::runtime_error("from a thread"); });
  try {
    thrown.get();
  } catch (const std::runtime_error& error) {
    std::cout << "caught " << error.what() << "\n";
  }
  std::once_flag once;
  std::atomic<int> runs{0}, arrivals{0};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      std::call_once(once, [&] { ++runs; });
      ++arrivals;
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::cout << "once " << runs << " of " << arrivals << std::endl;
  return 0;
}
