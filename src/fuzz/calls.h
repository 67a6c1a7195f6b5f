// SPDX-License-Identifier: Apache-2.0
//
// The calls that fuzz programs are made of: for each, what its arguments may be and what its
// result is. Numbers and names are those of proto/syscalls.def, but for the executor's own (store,
// load, hash, strategy, fail, fault) and for calls that have several rows, with arguments of
// different types: there the name goes on behind the call's ("mmap_file").
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "src/fuzz/encoding.h"

namespace fv::fuzz {

struct Named {
  std::string_view name;
  uint64_t value;
};

enum class ArgumentType : uint8_t {
  kChoice,     // one of `names`
  kFlags,      // any of `names`, or-ed
  kAddress,    // in the arena, or an earlier mapping
  kBreak,      // near the program break
  kSize,       // of memory, in bytes: at page edges
  kCount,      // of bytes to read or write: small
  kWord,       // any 64 bits
  kFd,         // a descriptor
  kPid,        // a task's
  kGroup,      // a task's, negative, or 0
  kSignal,     //
  kTask,       // the child
  kTimer,      // a POSIX timer's
  kStructure,  // the address of `structure`
};

struct ArgumentSpec {
  ArgumentType type = ArgumentType::kWord;
  std::span<const Named> names = {};
  uint64_t usual = 0;  // kFlags: what most calls have
  FvFuzzStructure structure = FV_FUZZ_OUTBUF;
};

// What two kernels have to agree on.
enum class ResultType : uint8_t {
  kValue,    // the result to the bit
  kAddress,  // the place in the arena; elsewhere that it succeeded
  kTask,     // the task that it names
  kSuccess,  // the error, or that there is none
  kNone,     // nothing
};
enum class OutputType : uint8_t { kNone, kValue };

enum class Blocking : uint8_t { kNever, kMayBlock };

// What a later call may use.
enum class Gives : uint8_t {
  kNothing,
  kFd,     // the result
  kFds,    // the output: two
  kTimer,  // the output
};

// Whether results are held against Linux's. docs/fuzzing.md has the reasons.
enum class Compared : uint8_t { kYes, kGuestOnly };

struct CallSpec {
  std::string_view name;
  uint16_t number = 0;
  std::vector<ArgumentSpec> arguments;
  ResultType result = ResultType::kValue;
  OutputType output = OutputType::kNone;
  Blocking blocking = Blocking::kNever;
  unsigned weight = 1;  // how often it is chosen
  Gives gives = Gives::kNothing;
  Compared compared = Compared::kYes;

  bool Spawns() const {
    return !arguments.empty() && arguments.front().type == ArgumentType::kTask;
  }
};

// Sorted by number.
std::span<const CallSpec> Calls();
// The system call of a row that is none of the executor's own.
constexpr uint16_t SystemCallOf(uint16_t number) { return number & FV_FUZZ_CALL_MASK; }
constexpr bool IsSystemCall(uint16_t number) { return number < FV_FUZZ_STORE; }

// Null if there is none.
const CallSpec* FindCall(uint16_t number);
const CallSpec* FindCall(std::string_view name);

// Whether the call may end a task, the caller too.
bool SendsSignal(const CallSpec& call);

// The argument of strategy(n) for forks like Linux's.
inline constexpr uint64_t kClassicFork = 0;

// The strings that structures name (FV_FUZZ_STRING).
std::span<const std::string_view> Strings();

// Sizes, in bytes, among them impossible ones.
std::span<const uint64_t> Sizes();
// The largest size that is possible.
inline constexpr uint64_t kMaxSize = 24 * FV_FUZZ_PAGE;
// Offsets within a page.
std::span<const uint64_t> Offsets();

}  // namespace fv::fuzz
