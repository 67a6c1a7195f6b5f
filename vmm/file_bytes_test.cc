// SPDX-License-Identifier: Apache-2.0
#include "vmm/file_bytes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "vmm/error.h"
#include "vmm/memory_file.h"

namespace fv::vmm {
namespace {

TEST(FileBytes, WhatIsWrittenIsRead) {
  const Fd file = MemoryFile("test");
  const std::string large(200'000, 'x');
  ASSERT_TRUE(WriteAll(file.get(), large));
  ASSERT_TRUE(WriteAllAt(file.get(), "y", 3));
  ASSERT_TRUE(WriteAll(file.get(), "z")) << "the position stayed";
  std::string bytes = "of before";
  ASSERT_TRUE(ReadAll(file.get(), bytes));
  EXPECT_EQ(bytes, "xxxy" + std::string(199'996, 'x') + "z");
  EXPECT_EQ(ContentOf(file), bytes);
}

TEST(FileBytes, ErrorsAreTold) {
  const Fd full(::open("/dev/full", O_RDWR | O_CLOEXEC));
  EXPECT_FALSE(WriteAll(full.get(), "x"));
  EXPECT_EQ(errno, ENOSPC);
  // Nothing is mapped at 0.
  const Fd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  std::string bytes;
  EXPECT_FALSE(ReadAll(memory.get(), bytes));
  EXPECT_EQ(errno, EIO);
}

TEST(MemoryFile, ContentStandsFromTheBeginning) {
  const Fd file = MemoryFileOf("test", "abc");
  char bytes[4] = {};
  EXPECT_EQ(::read(file.get(), bytes, sizeof(bytes)), 3);
  EXPECT_STREQ(bytes, "abc");
  EXPECT_EQ(ContentOf(MemoryFile("test", 5)), std::string(5, '\0'));
}

TEST(MemoryFile, AHostWithoutDescriptorsIsAnError) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_THROW(MemoryFileOf("test", "abc"), VmmError);
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace fv::vmm
