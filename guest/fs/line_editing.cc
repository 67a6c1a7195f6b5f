// SPDX-License-Identifier: Apache-2.0
//
// Editing of an unfinished line, and how that looks: erasing characters, words and the line, on the
// screen too (termios(3): ECHOE, ECHOK, ECHOKE, ECHOCTL), and the line again (VREPRINT).
#include "guest/fs/line_discipline.h"

namespace fv::guest {

namespace {

constexpr unsigned kTabWidth = 8;
constexpr uint8_t kDelete = 0x7f;

bool IsControl(uint8_t byte) { return byte < ' ' || byte == kDelete; }

bool IsWordCharacter(uint8_t byte) {
  const uint8_t letter = byte | 0x20;
  return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
}

bool ContinuesCharacter(uint8_t byte) { return (byte & 0xc0) == 0x80; }

}  // namespace

bool LineDiscipline::InCaret(uint8_t byte) const {
  return IsControl(byte) && byte != '\t' && Local(ECHOCTL);
}

void LineDiscipline::ShowRaw(uint8_t byte) {
  if (echo_ != nullptr) {
    echo_->Echo(byte);
  }
}

void LineDiscipline::ShowCharacter(uint8_t byte) {
  if (InCaret(byte)) {
    ShowRaw('^');
    ShowRaw(byte ^ 0x40);
    return;
  }
  ShowRaw(byte);
}

// The cursor goes back to where the tab was typed: the columns since the tab before it, or since
// the beginning of the line, tell how wide this one is.
void LineDiscipline::ShowErasedTab() {
  unsigned columns = 0;
  size_t at = count_;
  bool after_tab = false;
  while (at > committed_ && !after_tab) {
    const uint8_t byte = data_[IndexOf(--at)];
    after_tab = byte == '\t';
    const bool wide = InCaret(byte);
    const bool shown =
        !after_tab && (wide || !IsControl(byte)) && (!FromWire(IUTF8) || !ContinuesCharacter(byte));
    columns += shown ? (wide ? 2 : 1) : 0;
  }
  columns += after_tab ? 0 : line_column_;
  for (unsigned width = kTabWidth - columns % kTabWidth; width > 0; --width) {
    ShowRaw('\b');
  }
}

// `byte`, the first of a character, is off the line already.
void LineDiscipline::ShowErased(uint8_t byte) {
  if (byte == '\t') {
    ShowErasedTab();
    return;
  }
  const unsigned width = InCaret(byte) ? 2 : IsControl(byte) ? 0 : 1;
  for (unsigned i = 0; i < width; ++i) {
    ShowRaw('\b');
    ShowRaw(' ');
    ShowRaw('\b');
  }
}

// Takes the last character off the line and returns its first byte. REQUIRES: the line is not
// empty.
uint8_t LineDiscipline::DropCharacter() {
  uint8_t byte = data_[IndexOf(--count_)];
  // A UTF-8 character goes as a whole (IUTF8).
  while (FromWire(IUTF8) && ContinuesCharacter(byte) && count_ > committed_) {
    byte = data_[IndexOf(--count_)];
  }
  return byte;
}

void LineDiscipline::EraseWord() {
  bool in_word = false;
  while (count_ > committed_) {
    const size_t before = count_;
    const uint8_t byte = DropCharacter();
    if (IsWordCharacter(byte)) {
      in_word = true;
    } else if (in_word) {
      count_ = before;
      return;
    }
    if (Local(ECHO)) {
      ShowErased(byte);
    }
  }
}

void LineDiscipline::EraseLine(uint8_t byte) {
  if (count_ == committed_) {
    return;
  }
  const bool visibly = Local(ECHO) && Local(ECHOK) && Local(ECHOKE) && Local(ECHOE);
  while (visibly && count_ > committed_) {
    ShowErased(DropCharacter());
  }
  count_ = committed_;
  if (Local(ECHO) && !visibly) {
    ShowCharacter(byte);
    if (Local(ECHOK)) {
      ShowRaw('\n');
    }
  }
}

void LineDiscipline::Reprint(uint8_t byte) {
  ShowCharacter(byte);
  ShowRaw('\n');
  for (size_t i = committed_; i < count_; ++i) {
    ShowCharacter(data_[IndexOf(i)]);
  }
}

bool LineDiscipline::Edit(uint8_t byte) {
  if (Is(byte, VERASE)) {
    if (count_ > committed_) {
      const uint8_t gone = DropCharacter();
      if (Local(ECHO)) {
        Local(ECHOE) ? ShowErased(gone) : ShowCharacter(byte);
      }
    }
    return true;
  }
  if (Is(byte, VKILL)) {
    EraseLine(byte);
    return true;
  }
  if (!Local(IEXTEN)) {
    return false;
  }
  if (Is(byte, VWERASE)) {
    EraseWord();
    return true;
  }
  if (Is(byte, VLNEXT)) {
    literal_next_ = true;
    if (Local(ECHO) && Local(ECHOCTL)) {
      ShowRaw('^');
      ShowRaw('\b');
    }
    return true;
  }
  if (Is(byte, VREPRINT) && Local(ECHO)) {
    Reprint(byte);
    return true;
  }
  return false;
}

}  // namespace fv::guest
