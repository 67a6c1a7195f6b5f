// SPDX-License-Identifier: Apache-2.0
#include "guest/task/exec_script.h"

#include <gtest/gtest.h>

#include <string>

namespace fv::guest {
namespace {

struct Case {
  std::string head;
  std::string interpreter;  // "": refused
  std::string argument;
};

TEST(ScriptLine, Forms) {
  const std::string long_name = "/" + std::string(300, 'x');
  const Case cases[] = {
      {"#!/bin/sh\necho", "/bin/sh", ""},
      {"#! /bin/sh\n", "/bin/sh", ""},
      {"#!\t /bin/sh \t\n", "/bin/sh", ""},
      {"#!/bin/sh -e\n", "/bin/sh", "-e"},
      {"#!/usr/bin/env  python3 -u \n", "/usr/bin/env", "python3 -u"},
      {"#!/bin/sh", "/bin/sh", ""},  // the file ends without a newline
      {"#!\n", "", ""},
      {"#!", "", ""},
      {"#!   \n", "", ""},
      {"#!" + long_name + "\n", "", ""},  // cut off
      {"#!/bin/sh " + std::string(300, 'y') + "\n", "/bin/sh", std::string(246, 'y')},
  };
  for (const Case& c : cases) {
    const std::string head = c.head.substr(0, kScriptLineBytes);
    ScriptLine line;
    const Status status =
        ParseScriptLine(reinterpret_cast<const uint8_t*>(head.data()), head.size(), line);
    EXPECT_EQ(status.ok(), !c.interpreter.empty()) << c.head;
    if (status.ok()) {
      EXPECT_EQ(std::string(line.interpreter), c.interpreter);
      EXPECT_EQ(std::string(line.argument), c.argument);
    } else {
      EXPECT_EQ(status.error().number(), ENOEXEC);
    }
  }
}

}  // namespace
}  // namespace fv::guest
