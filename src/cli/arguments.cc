// SPDX-License-Identifier: Apache-2.0
//
// Walks the arguments by gflags' registry. gflags' own parser would look for flags behind the
// program's name too, and ends the process with a code of its own choice.
#include "src/cli/arguments.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fv::cli {
namespace {

struct Unit {
  char letter;
  int shift;
};
constexpr std::array<Unit, 4> kUnits = {{{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}}};

// The number, if it is one of seconds; more than thirty years are none.
std::optional<double> SecondsIn(std::string_view text) {
  constexpr double kMostSeconds = 1e9;
  double number = 0;
  if (!absl::SimpleAtod(std::string(text), &number)) return std::nullopt;
  return number >= 0 && number <= kMostSeconds ? std::optional(number) : std::nullopt;
}

bool IsBool(const std::string& name) {
  gflags::CommandLineFlagInfo info;
  return gflags::GetCommandLineFlagInfo(name.c_str(), &info) && info.type == "bool";
}

bool IsFlag(const std::string& arg) { return arg.size() > 1 && arg[0] == '-' && arg != "--"; }

struct FlagWords {
  std::string name;
  std::optional<std::string> value;
};

// Of "--name=value", "-name"; dashes in names are fine.
FlagWords SplitFlag(const std::string& arg) {
  const std::string text = arg.substr(arg[1] == '-' ? 2 : 1);
  const size_t equals = text.find('=');
  FlagWords words;
  words.name = text.substr(0, equals);
  std::replace(words.name.begin(), words.name.end(), '-', '_');
  if (words.name == "fork") words.name = "strategy";  // a synonym
  if (equals != std::string::npos) words.value = text.substr(equals + 1);
  return words;
}

class Parser {
 public:
  Parser(const std::vector<std::string>& args, const std::vector<std::string_view>& allowed)
      : args_(args), allowed_(allowed) {}

  absl::StatusOr<Arguments> Parse() {
    for (; at_ < args_.size() && IsFlag(args_[at_]); ++at_) {
      absl::Status status = Flag(args_[at_]);
      if (!status.ok()) return status;
    }
    if (at_ < args_.size() && args_[at_] == "--") ++at_;
    out_.words.assign(args_.begin() + static_cast<ptrdiff_t>(at_), args_.end());
    return std::move(out_);
  }

 private:
  bool Allowed(std::string_view name) const {
    return std::find(allowed_.begin(), allowed_.end(), name) != allowed_.end();
  }

  absl::Status Flag(const std::string& arg) {
    auto [name, value] = SplitFlag(arg);
    if (name == "help" || name == "h") {
      out_.help = true;
      return absl::OkStatus();
    }
    const bool negated =
        name.starts_with("no") && !value && IsBool(name.substr(2)) && !Allowed(name);
    if (negated) name = name.substr(2);
    if (!Allowed(name)) return absl::InvalidArgumentError(absl::StrCat("unknown flag ", arg));
    if (negated) return Set(name, "false");
    if (value) return Set(name, *value);
    if (IsBool(name)) return Set(name, "true");
    if (at_ + 1 >= args_.size()) {
      return absl::InvalidArgumentError(absl::StrCat("flag ", arg, " needs a value"));
    }
    return Set(name, args_[++at_]);
  }

  absl::Status Set(const std::string& name, const std::string& value) {
    if (name == "env") return AddVariable(value);
    if (name == "file") {
      if (value.empty() || value.front() == ':') {
        return absl::InvalidArgumentError("--file wants HOST or HOST:GUEST");
      }
      out_.file.push_back(value);
      return absl::OkStatus();
    }
    if (gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " cannot be \"", value, "\""));
    }
    return absl::OkStatus();
  }

  // NAME alone is what it is here, as of docker run --env.
  absl::Status AddVariable(const std::string& variable) {
    if (variable.empty() || variable.front() == '=') {
      return absl::InvalidArgumentError("--env wants NAME=VALUE or NAME");
    }
    const bool has_value = variable.find('=') != std::string::npos;
    const char* here = has_value ? nullptr : std::getenv(variable.c_str());
    out_.env.push_back(here == nullptr ? variable : absl::StrCat(variable, "=", here));
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

bool NamesFlag(const std::vector<std::string>& args, std::string_view flag) {
  for (size_t i = 0; i < args.size() && IsFlag(args[i]); ++i) {
    const auto [name, value] = SplitFlag(args[i]);
    if (name == flag) return true;
    if (!value && !IsBool(name)) ++i;  // its value
  }
  return false;
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
    return absl::InvalidArgumentError(absl::StrCat("--", std::string(flag), "=", std::string(text),
                                                   " is no size: write 4096, 64M or 1G"));
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
      absl::StrCat("--", std::string(flag), "=", std::string(text), " is no number of seconds"));
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
  return absl::InvalidArgumentError(absl::StrCat("--", std::string(flag), "=", std::string(text),
                                                 " is no time: write 90s, 10m or 2h"));
}

}  // namespace fv::cli
