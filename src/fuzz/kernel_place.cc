// SPDX-License-Identifier: Apache-2.0
//
// See kernel_place.h.
#include "src/fuzz/kernel_place.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "proto/layout.h"

namespace fv::fuzz {
namespace {

constexpr size_t kMostFrames = 32;
constexpr size_t kMostNames = 6;

// Every panic goes through these.
constexpr std::string_view kOfPanics[] = {"Panic",     "PanicKernelTrap", "__stack_chk_fail",
                                          "TrapRing0", "TrapRing3",       "HaltForever"};

bool IsOfPanics(const std::string& name) {
  return std::find(std::begin(kOfPanics), std::end(kOfPanics), name) != std::end(kOfPanics);
}

// The hexadecimal number behind `label`.
std::optional<uint64_t> NumberBehind(std::string_view text, std::string_view label) {
  const size_t at = text.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + label.size());
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

struct Frame {
  uint64_t outer;
  uint64_t return_address;
};

std::optional<Frame> FrameAt(const vmm::GuestMemory& memory, uint64_t address) {
  if (!proto::InDirectMap(address, memory.size()) || address % sizeof(uint64_t) != 0) {
    return std::nullopt;
  }
  return memory.Load<Frame>(proto::PhysOfDirectMap(address));
}

}  // namespace

std::vector<std::string> PlaceOfPanic(const vmm::GuestMemory& memory,
                                      const inspect::KernelSymbols& symbols,
                                      std::string_view message, std::string_view registers) {
  std::vector<std::string> names;
  const auto add = [&](uint64_t address) {
    const std::string name = symbols.Function(address);
    if (!name.empty() && !IsOfPanics(name)) names.push_back(name);
  };
  if (message.starts_with("kernel trap")) add(NumberBehind(message, " at rip ").value_or(0));
  uint64_t at = NumberBehind(registers, "rbp ").value_or(0);
  for (size_t i = 0; i < kMostFrames && names.size() < kMostNames; ++i) {
    const std::optional<Frame> frame = FrameAt(memory, at);
    if (!frame) break;
    // A return address may stand behind the end of a function that does not return.
    add(frame->return_address - 1);
    if (frame->outer <= at) break;
    at = frame->outer;
  }
  return names;
}

}  // namespace fv::fuzz
