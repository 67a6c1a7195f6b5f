// SPDX-License-Identifier: Apache-2.0
//
// What the rows of the call table are made of, and the families that are in files of their own.
// Private to the table.
#pragma once

#include <signal.h>

#include <span>
#include <vector>

#include "src/fuzz/calls.h"

namespace fv::fuzz {

#define FV_N(name) \
  Named { #name, static_cast < uint64_t>(name) }

inline constexpr Named kSignals[] = {
    {"0", 0},      FV_N(SIGHUP),  FV_N(SIGINT),  FV_N(SIGKILL), FV_N(SIGUSR1),
    FV_N(SIGSEGV), FV_N(SIGUSR2), FV_N(SIGPIPE), FV_N(SIGTERM), FV_N(SIGCHLD),
    FV_N(SIGCONT), FV_N(SIGSTOP), FV_N(SIGTSTP), {"34", 34},    {"64", 64},
    {"65", 65},    FV_N(SIGALRM), FV_N(SIGQUIT), FV_N(SIGFPE),  FV_N(SIGILL),
    FV_N(SIGTRAP), FV_N(SIGBUS),  FV_N(SIGTTIN), FV_N(SIGTTOU), FV_N(SIGURG)};
inline constexpr Named kSetSizes[] = {{"8", 8}, {"4", 4}};
inline constexpr Named kSmall[] = {{"0", 0}, {"1", 1}, {"2", 2}, {"3", 3}, {"-1", ~uint64_t{0}}};
inline constexpr Named kOne[] = {{"1", 1}};
inline constexpr Named kZero[] = {{"0", 0}};

inline constexpr ArgumentSpec kSignal{.type = ArgumentType::kSignal, .names = kSignals};
inline constexpr ArgumentSpec kGroup{.type = ArgumentType::kGroup, .names = kZero};
inline constexpr ArgumentSpec kTimer{.type = ArgumentType::kTimer};
constexpr ArgumentSpec Choice(std::span<const Named> names) {
  return {.type = ArgumentType::kChoice, .names = names};
}
constexpr ArgumentSpec Flags(std::span<const Named> names, uint64_t usual = 0) {
  return {.type = ArgumentType::kFlags, .names = names, .usual = usual};
}
constexpr ArgumentSpec Pointer(FvFuzzStructure structure) {
  return {.type = ArgumentType::kStructure, .structure = structure};
}
inline constexpr ArgumentSpec kAddress{.type = ArgumentType::kAddress};
inline constexpr ArgumentSpec kSize{.type = ArgumentType::kSize};
inline constexpr ArgumentSpec kCount{.type = ArgumentType::kCount};
inline constexpr ArgumentSpec kWord{.type = ArgumentType::kWord};
inline constexpr ArgumentSpec kFd{.type = ArgumentType::kFd};
inline constexpr ArgumentSpec kPid{.type = ArgumentType::kPid};
inline constexpr ArgumentSpec kTask{.type = ArgumentType::kTask};

inline constexpr auto kMay = Blocking::kMayBlock;
inline constexpr auto kNever = Blocking::kNever;
inline constexpr auto kOut = OutputType::kValue;
inline constexpr auto kNoOut = OutputType::kNone;

using R = ResultType;

inline constexpr ArgumentSpec kTimespec = Pointer(FV_FUZZ_TIMESPEC);
inline constexpr ArgumentSpec kSigset = Pointer(FV_FUZZ_SIGSET);
inline constexpr ArgumentSpec kIovec = Pointer(FV_FUZZ_IOVEC);
inline constexpr ArgumentSpec kOutbuf = Pointer(FV_FUZZ_OUTBUF);
inline constexpr ArgumentSpec kString = Pointer(FV_FUZZ_STRING);
inline constexpr ArgumentSpec kValueWord = Pointer(FV_FUZZ_WORD);

// Timers and clocks, files and terminals, what a task is and may, the executor's own.
std::vector<CallSpec> TimeCalls();
std::vector<CallSpec> FileCalls();
std::vector<CallSpec> StateCalls();
std::vector<CallSpec> OwnCalls();

}  // namespace fv::fuzz
