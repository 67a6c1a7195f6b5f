// SPDX-License-Identifier: Apache-2.0
#include "src/coverage/unreachable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/coverage/unreachable_table.h"

namespace fv::coverage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Unreachable, TheBodyOfAMutantIs) {
  EXPECT_THAT(UnreachableLines("f();\n"
                               "if (HasMutant(Mutant::kA)) {\n"
                               "  g();\n"
                               "  if (h()) {\n"
                               "    i();\n"
                               "  }\n"
                               "}\n"
                               "j();\n"),
              ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(UnreachableLines("if (HasMutant(Mutant::kA) && n > 1) {\n  g();\n}\n"),
              ElementsAre(2));
  EXPECT_THAT(UnreachableLines("if (n > 1 &&\n    HasMutant(Mutant::kA)) {\n  g();\n}\n"),
              ElementsAre(3));
}

TEST(Unreachable, WhatARightKernelRunsIsNot) {
  EXPECT_THAT(UnreachableLines("if (!HasMutant(Mutant::kA)) {\n  g();\n}\n"), IsEmpty());
  EXPECT_THAT(UnreachableLines("if (f() || HasMutant(Mutant::kA)) {\n  g();\n}\n"), IsEmpty());
  EXPECT_THAT(UnreachableLines("if (HasMutant(Mutant::kA) || f()) {\n  g();\n}\n"), IsEmpty());
  EXPECT_THAT(UnreachableLines("if (f(HasMutant(Mutant::kA))) {\n  g();\n}\n"), IsEmpty());
  EXPECT_THAT(UnreachableLines("if (HasMutant(Mutant::kA) ? f() : g()) {\n  h();\n}\n"), IsEmpty());
  EXPECT_THAT(UnreachableLines("if (HasMutant(Mutant::kA) != f()) {\n  h();\n}\n"), IsEmpty());
  EXPECT_THAT(UnreachableLines("n = HasMutant(Mutant::kA) ? 1 : 2;\n"), IsEmpty());
  // What follows in the other case.
  EXPECT_THAT(UnreachableLines("if (HasMutant(Mutant::kA)) {\n  g();\n} else {\n  h();\n}\n"),
              ElementsAre(2));
}

TEST(Unreachable, APanicIs) {
  EXPECT_THAT(UnreachableLines("if (n == 0) {\n"
                               "  Panic(\"n is %d\",\n"
                               "        n);\n"
                               "}\n"),
              ElementsAre(2, 3));
  EXPECT_THAT(UnreachableLines("void Panic(const char* format) {\n  f();\n}\n"), IsEmpty());
}

TEST(Unreachable, TheKernelsTableIsBuiltIn) {
  const auto table = embedded::UnreachableTable();
  const LineSets sets = ParseLineTable({reinterpret_cast<const char*>(table.data()), table.size()});
  EXPECT_EQ(sets.count("guest/task/fork.cc"), 1u);
  EXPECT_EQ(sets.count("guest/mm/resolve_fault.cc"), 1u);
  size_t lines = 0;
  for (const auto& [path, set] : sets) lines += set.size();
  EXPECT_GT(lines, 40u);
  EXPECT_LT(lines, 400u);
}

}  // namespace
}  // namespace fv::coverage
