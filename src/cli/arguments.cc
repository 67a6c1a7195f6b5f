// SPDX-License-Identifier: Apache-2.0
//
// Walks the arguments by gflags' registry. gflags' own parser would look for flags behind the
// program's name too, and ends the process with a code of its own choice.
#include "src/cli/arguments.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fv::cli {
namespace {

absl::string_view Abseil(std::string_view text) { return {text.data(), text.size()}; }

struct Unit {
  char letter;
  int shift;
};
constexpr std::array<Unit, 4> kUnits = {{{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}}};

// The number, if it is one of seconds; more than thirty years are none.
std::optional<double> SecondsIn(std::string_view text) {
  constexpr double kMostSeconds = 1e9;
  double number = 0;
  if (!absl::SimpleAtod(Abseil(text), &number)) return std::nullopt;
  return number >= 0 && number <= kMostSeconds ? std::optional(number) : std::nullopt;
}

bool IsBool(const std::string& name) {
  gflags::CommandLineFlagInfo info;
  return gflags::GetCommandLineFlagInfo(name.c_str(), &info) && info.type == "bool";
}

class Parser {
 public:
  Parser(const std::vector<std::string>& args, const std::vector<std::string_view>& allowed)
      : args_(args), allowed_(allowed) {}

  absl::StatusOr<Arguments> Parse() {
    for (; at_ < args_.size(); ++at_) {
      const std::string& arg = args_[at_];
      if (arg == "--") {
        ++at_;
        break;
      }
      if (arg.size() < 2 || arg[0] != '-') break;
      absl::Status status = Flag(arg);
      if (!status.ok()) return status;
    }
    out_.words.assign(args_.begin() + static_cast<ptrdiff_t>(at_), args_.end());
    return std::move(out_);
  }

 private:
  bool Allowed(std::string_view name) const {
    return std::find(allowed_.begin(), allowed_.end(), name) != allowed_.end();
  }

  absl::Status Flag(const std::string& arg) {
    const std::string text = arg.substr(arg[1] == '-' ? 2 : 1);
    const size_t equals = text.find('=');
    std::string name = text.substr(0, equals);
    std::replace(name.begin(), name.end(), '-', '_');
    if (name == "fork") name = "strategy";  // a synonym
    if (name == "help" || name == "h") {
      out_.help = true;
      return absl::OkStatus();
    }
    const bool negated = name.starts_with("no") && equals == std::string::npos &&
                         IsBool(name.substr(2)) && !Allowed(name);
    if (negated) name = name.substr(2);
    if (!Allowed(name)) return absl::InvalidArgumentError(absl::StrCat("unknown flag ", arg));
    if (negated) return Set(name, "false");
    if (equals != std::string::npos) return Set(name, text.substr(equals + 1));
    if (IsBool(name)) return Set(name, "true");
    if (at_ + 1 >= args_.size()) {
      return absl::InvalidArgumentError(absl::StrCat("flag ", arg, " needs a value"));
    }
    return Set(name, args_[++at_]);
  }

  absl::Status Set(const std::string& name, const std::string& value) {
    if (name == "env") {
      if (value.find('=') == 0 || value.empty()) {
        return absl::InvalidArgumentError("--env wants NAME=VALUE");
      }
      out_.env.push_back(value);
      return absl::OkStatus();
    }
    if (name == "file") {
      out_.file.push_back(value);
      return absl::OkStatus();
    }
    if (gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " cannot be \"", value, "\""));
    }
    return absl::OkStatus();
  }

  const std::vector<std::string>& args_;
  const std::vector<std::string_view>& allowed_;
  size_t at_ = 0;
  Arguments out_;
};

}  // namespace

absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>& args,
                                         const std::vector<std::string_view>& allowed) {
  return Parser(args, allowed).Parse();
}

absl::StatusOr<Arguments> ParseFlagsAnywhere(const std::vector<std::string>& args,
                                             const std::vector<std::string_view>& allowed) {
  Arguments all;
  std::vector<std::string> rest = args;
  while (true) {
    absl::StatusOr<Arguments> part = ParseArguments(rest, allowed);
    if (!part.ok()) return part.status();
    all.help = all.help || part->help;
    all.env.insert(all.env.end(), part->env.begin(), part->env.end());
    all.file.insert(all.file.end(), part->file.begin(), part->file.end());
    if (part->words.empty()) return all;
    all.words.push_back(part->words.front());
    rest.assign(part->words.begin() + 1, part->words.end());
  }
}

bool Given(const char* flag) { return !gflags::GetCommandLineFlagInfoOrDie(flag).is_default; }

absl::StatusOr<uint64_t> ParseSize(std::string_view flag, std::string_view text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, value);
  std::string_view unit(rest, static_cast<size_t>(end - rest));
  int shift = unit.empty() ? 0 : -1;
  for (const Unit& known : kUnits) {
    const std::string letter(1, known.letter);
    if (unit == letter || unit == letter + "iB") shift = known.shift;
  }
  if (error != std::errc() || shift < 0 || value > std::numeric_limits<uint64_t>::max() >> shift) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", Abseil(flag), "=", Abseil(text), " is no size: write 4096, 64M or 1G"));
  }
  return value << shift;
}

std::string FormatSize(uint64_t bytes) {
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    const uint64_t size = uint64_t{1} << unit->shift;
    if (bytes >= size && bytes % size == 0) {
      return absl::StrCat(bytes / size, std::string(1, unit->letter));
    }
  }
  return absl::StrCat(bytes);
}

absl::StatusOr<uint64_t> ParseSeconds(std::string_view flag, std::string_view text) {
  const std::optional<double> seconds = SecondsIn(text);
  if (seconds) return static_cast<uint64_t>(*seconds * 1e9);
  return absl::InvalidArgumentError(
      absl::StrCat("--", Abseil(flag), "=", Abseil(text), " is no number of seconds"));
}

absl::StatusOr<double> ParseDuration(std::string_view flag, std::string_view text) {
  constexpr std::pair<char, double> kTimeUnits[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
  std::string_view number = text;
  double unit = 1;
  for (const auto& [letter, seconds] : kTimeUnits) {
    if (!text.ends_with(letter)) continue;
    unit = seconds;
    number.remove_suffix(1);
  }
  if (const std::optional<double> value = SecondsIn(number)) return *value * unit;
  return absl::InvalidArgumentError(
      absl::StrCat("--", Abseil(flag), "=", Abseil(text), " is no time: write 90s, 10m or 2h"));
}

}  // namespace fv::cli
