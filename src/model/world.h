// SPDX-License-Identifier: Apache-2.0
//
// The reference model: all address spaces as the events tell of them. For every page it says what
// is visible there (nothing, zeros, a page of an object, or a version that some write made) and
// whether it may be written without asking. It is never shown a page table, a frame or a count of
// the kernel's; who compares the two is src/oracle.
//
// Events may say anything. What cannot be is a contradiction, kept for who asks, and changes
// nothing; memory and time are bounded by the guest's RAM, beyond which the world is lost.
// One thread. Addresses are the guest's; names of address spaces and objects are never followed.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/records.h"
#include "src/model/page_map.h"
#include "src/model/page_set.h"
#include "src/model/region_map.h"

namespace fv::model {

using proto::GuestPtr;

struct Space {
  explicit Space(VersionPool& pool) : pages(pool) {}
  RegionMap regions;
  PageMap pages;  // private pages that were written
};

// What a page shows.
struct Sight {
  enum class Kind : uint8_t {
    kNothing,  // not mapped
    kZeros,    // private memory that nobody wrote
    kObject,   // a page of a memory object
    kVersion,  // a private page that was written
  };
  Kind kind = Kind::kNothing;
  GuestPtr object = 0;
  uint64_t index = 0;
  VersionId version = 0;
};

// A page that got a version of its own, and what it showed just before: a copy shows the same.
struct Birth {
  VersionId version;
  GuestPtr mm;
  uint64_t page;
  Sight before;
};

// What happened between two looks at the guest.
struct Interval {
  std::vector<Birth> births;  // at most kMostBirths
  PageSet written;            // (address space, page) that the kernel wrote to
  PageSet object_written;     // (object, page index), likewise
  struct Cut {
    GuestPtr object;
    uint64_t first;
  };
  std::vector<Cut> cuts;           // objects lost their pages from `first` on
  std::vector<GuestPtr> ran;       // address spaces whose user code may have run
  std::vector<GuestPtr> remapped;  // whose mappings changed
  struct Copy {
    GuestPtr parent;
    GuestPtr child;
  };
  std::vector<Copy> copies;
  struct Block {
    GuestPtr mm;
    uint64_t number;  // page >> kBlockShift
    auto operator<=>(const Block&) const = default;
  };
  std::vector<Block> blocks;  // where a page came to show something else; may repeat itself
  std::optional<std::string> contradiction;  // the first one
};

class World {
 public:
  static constexpr size_t kMostBirths = 65536;

  // `frames`: of the guest's RAM, which bounds what can be true.
  explicit World(uint64_t frames);

  // ---- What events say. Addresses are bytes, ranges page aligned. ------------------------------
  void Map(GuestPtr mm, const Region& region);
  void SetObject(GuestPtr mm, uint64_t start, uint64_t end, GuestPtr object, uint64_t index);
  void Unmap(GuestPtr mm, uint64_t start, uint64_t end);
  void SetFlags(GuestPtr mm, uint64_t start, uint64_t end, uint64_t flags);
  // fork: the child sees what the parent sees, but for what is not copied or to be wiped.
  void Copy(GuestPtr parent, GuestPtr child);
  void End(GuestPtr mm);
  // The private pages of [from, from + bytes) are at `to` now.
  void Move(GuestPtr mm, uint64_t from, uint64_t to, uint64_t bytes);
  // Private pages got versions of their own, which show what was visible before.
  void Own(GuestPtr mm, uint64_t start, uint64_t end);
  // Private pages lost what was written to them.
  void Discard(GuestPtr mm, uint64_t start, uint64_t end);
  // The kernel wrote for somebody; any alignment.
  void UserWrite(GuestPtr mm, uint64_t address, uint64_t bytes);
  void ObjectWrite(GuestPtr object, uint64_t offset, uint64_t bytes);
  void ObjectCut(GuestPtr object, uint64_t first);
  // From here on the CPU runs user code of `mm`; 0: of nobody.
  void Run(GuestPtr mm);
  void Contradict(std::string sentence);

  // ---- What the model says. --------------------------------------------------------------------
  const Space* Find(GuestPtr mm) const;
  Sight Look(GuestPtr mm, uint64_t page) const;
  bool Alive(VersionId version) const { return pool_.Alive(version); }
  GuestPtr running() const { return running_; }
  uint64_t version_limit() const { return pool_.limit(); }
  uint64_t versions() const { return pool_.live(); }
  // Too much happened to follow, or too much was said to exist: nothing here is true any more.
  bool lost() const { return lost_; }
  const Interval& interval() const { return interval_; }
  // Forgets the interval, which has been looked at.
  void BeginInterval();
  // A safepoint at which nobody looks: the interval goes on, the bound on its work begins again.
  void PassSafepoint() { work_ = 0; }

 private:
  // Counts work against the interval's bound; false when the world is lost.
  bool Charge(uint64_t work);
  void Lose(std::string sentence);
  Space* FindOrLie(GuestPtr mm, const char* event);
  void Touch(GuestPtr mm, uint64_t page);
  void NoteRemapped(GuestPtr mm);
  // Forgets the versions of [start, end) and notes the blocks.
  void Forget(GuestPtr mm, Space& space, uint64_t start, uint64_t end);
  void OwnPages(GuestPtr mm, Space& space, const Region& part);

  VersionPool pool_;
  std::unordered_map<GuestPtr, Space> spaces_;
  GuestPtr running_ = 0;
  Interval interval_;
  uint64_t work_ = 0;
  uint64_t most_work_;
  bool lost_ = false;
};

// The page shows what `region`, which contains it, says unless it was written; nullptr: nothing.
Sight UnwrittenSight(const Region* region, uint64_t page);

}  // namespace fv::model
