// SPDX-License-Identifier: Apache-2.0
//
// What a page of an address space is to its process, and how figures show that: names and colours
// are those of `forkvisor view` (src/view/page/src/paint/looks.ts, light), Okabe and Ito's, which
// people with any kind of colour blindness can tell apart. A mark besides: colour is never the only
// sign.
#pragma once

#include <cstddef>
#include <cstdint>

#include "src/query/mappings.h"

namespace fv::exports {

enum class PageState : uint8_t {
  kAbsent,
  kOwn,          // private, mapped once: a write just happens
  kCopyOnWrite,  // others map the frame too: a write copies it
  kAlone,        // still marked copy-on-write, but nobody else has the frame
  kSharedTable,  // through a page table that several address spaces share
  kFile,         // a file's, mapped privately
  kShared,       // of a shared mapping
  kZero,         // the zero frame
  kNoAccess,     // a guard, or a mapping without rights
  kBroken,       // writable though others have the frame: a kernel bug
};
inline constexpr size_t kPageStates = 10;

// What is drawn over the colour.
enum class Mark : uint8_t { kPlain, kHatch, kCrossHatch, kDots, kBars, kRings, kCrosses };

struct Look {
  const char* id;  // a word
  const char* name;
  const char* colour;
  Mark mark;
};
const Look& LookOf(PageState state);

// The colours that are no state's.
inline constexpr char kPaper[] = "#ffffff";
inline constexpr char kInk[] = "#16191d";
inline constexpr char kFaint[] = "#5b636d";
inline constexpr char kLine[] = "#d5d9de";
inline constexpr char kTableColour[] = "#5c6670";

// `vma`: the mapping that the page is in; null: none.
PageState StateOf(const inspect::Snapshot& snapshot, const query::MappingIndex& index,
                  const query::Mapping& mapping, const inspect::Vma* vma);

}  // namespace fv::exports
