// SPDX-License-Identifier: Apache-2.0
//
// See core_name.h.
#include "guest/fs/core_name.h"

#include "guest/lib/print.h"
#include "guest/lib/string.h"

namespace fv::guest {
namespace {

constinit CorePattern system_pattern{"core", false};

class NameWriter {
 public:
  explicit NameWriter(char (&out)[kCoreNameBytes]) : out_(out) {}

  void Add(char c) {
    if (length_ + 1 < kCoreNameBytes) {
      out_[length_] = c;
    }
    ++length_;
  }
  // Text that others chose: it names no directory.
  void AddForeign(const char* text) {
    const bool dots = strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
    for (size_t i = 0; text[i] != '\0'; ++i) {
      Add(text[i] == '/' || (dots && i == 0) ? '!' : text[i]);
    }
  }
  void AddNumber(uint64_t value) {
    char digits[24];
    Format(digits, sizeof(digits), "%lu", value);
    AddForeign(digits);
  }
  Status Finish() {
    out_[length_ < kCoreNameBytes ? length_ : kCoreNameBytes - 1] = '\0';
    if (length_ == 0) {
      return Error(ENOENT);
    }
    return length_ < kCoreNameBytes ? Ok() : Status(Error(ENAMETOOLONG));
  }

 private:
  char (&out_)[kCoreNameBytes];
  size_t length_ = 0;
};

const char* LastComponent(const char* path) {
  const char* name = path;
  for (const char* at = path; *at != '\0'; ++at) {
    name = *at == '/' ? at + 1 : name;
  }
  return name;
}

// What "%" and `specifier` stand for; an unknown one for nothing.
void AddSpecifier(NameWriter& name, char specifier, const CoreNameFacts& facts) {
  switch (specifier) {
    case '%':
      return name.Add('%');
    case 'p':
    case 'P':
      return name.AddNumber(facts.pid);
    case 'i':
    case 'I':
      return name.AddNumber(facts.tid);
    case 'u':
      return name.AddNumber(facts.uid);
    case 'g':
      return name.AddNumber(facts.gid);
    case 'd':
      return name.AddNumber(facts.dumpable);
    case 's':
      return name.AddNumber(facts.signo);
    case 't':
      return name.AddNumber(facts.seconds);
    case 'c':
      return name.AddNumber(facts.limit);
    case 'h':
      return name.AddForeign(facts.hostname);
    case 'e':
      return name.AddForeign(facts.comm);
    case 'f':
      return name.AddForeign(LastComponent(facts.exe));
    case 'E':
      return name.AddForeign(facts.exe);
    default:
      return;
  }
}

}  // namespace

CorePattern& SystemCorePattern() { return system_pattern; }

Status FormatCoreName(const CorePattern& pattern, const CoreNameFacts& facts,
                      char (&out)[kCoreNameBytes]) {
  if (pattern.text[0] == '|') {
    return Error(EOPNOTSUPP);
  }
  NameWriter name(out);
  bool names_pid = false;
  for (const char* at = pattern.text; *at != '\0'; ++at) {
    if (*at != '%') {
      name.Add(*at);
    } else if (*++at == '\0') {
      break;  // a single % at the end is dropped
    } else {
      names_pid = names_pid || *at == 'p';
      AddSpecifier(name, *at, facts);
    }
  }
  if (pattern.uses_pid && !names_pid) {
    name.Add('.');
    name.AddNumber(facts.pid);
  }
  return name.Finish();
}

}  // namespace fv::guest
