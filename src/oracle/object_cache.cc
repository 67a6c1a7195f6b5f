// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/object_cache.h"

#include <algorithm>
#include <unordered_map>

#include "src/inspect/structures.h"
#include "src/oracle/account_rules.h"
#include "src/oracle/full_checker.h"

namespace fv::oracle {

using inspect::Object;
using inspect::ObjectPage;
using proto::Link;
using proto::ObjectRecord;

namespace {
bool SameLink(const Link& a, const Link& b) { return a.next == b.next && a.prev == b.prev; }
}  // namespace

void ObjectCache::ApplyDifference(const std::vector<ObjectPage>& before,
                                  const std::vector<ObjectPage>& after) {
  auto change = [&](uint64_t pfn, uint32_t by) {
    frames_.MarkState(pfn);  // entries that map it may map the wrong page now
    frames_.Change(pfn).object_refs += by;
  };
  size_t i = 0;
  size_t j = 0;
  while (i < before.size() || j < after.size()) {
    const bool take_old =
        j == after.size() || (i < before.size() && before[i].index < after[j].index);
    const bool take_new =
        i == before.size() || (j < after.size() && after[j].index < before[i].index);
    if (take_old) {
      change(before[i++].pfn, ~0u);
    } else if (take_new) {
      change(after[j++].pfn, 1);
    } else {
      if (before[i].pfn != after[j].pfn) {
        change(before[i].pfn, ~0u);
        change(after[j].pfn, 1);
      }
      ++i;
      ++j;
    }
  }
}

void ObjectCache::ReadPages(Object& object, Findings& findings) {
  const std::vector<ObjectPage> before = std::move(object.pages);
  std::vector<inspect::Malformed> malformed;
  inspect::ReadObjectPages(memory_, object, malformed);
  broken_ |= !malformed.empty();
  AddMalformed(malformed, findings);
  ApplyDifference(before, object.pages);
}

bool ObjectCache::Touched(const Object& object, const DirtyBits& dirty) const {
  return std::any_of(object.nodes.begin(), object.nodes.end(),
                     [&](uint64_t pfn) { return dirty.Frame(pfn); });
}

void ObjectCache::Relist(const proto::ChannelHeader& header, Findings& findings) {
  std::vector<inspect::Malformed> malformed;
  std::vector<Object> listed = inspect::ReadObjects(memory_, header, malformed);
  AddMalformed(malformed, findings);
  broken_ = !malformed.empty();
  std::unordered_map<proto::GuestPtr, Object*> known;
  for (Object& object : objects_) {
    known.emplace(object.address, &object);
  }
  for (Object& object : listed) {
    const auto at = known.find(object.address);
    ApplyDifference(at == known.end() ? std::vector<ObjectPage>{} : at->second->pages,
                    object.pages);
    if (at != known.end()) {
      known.erase(at);
    }
    CheckObjectPages(object, findings);
  }
  for (const auto& [address, object] : known) {
    ApplyDifference(object->pages, {});
  }
  objects_ = std::move(listed);
}

uint64_t ObjectCache::charged() const {
  uint64_t pages = 0;
  for (const Object& object : objects_) {
    pages += ChargedPages(object.record);
  }
  return pages;
}

void ObjectCache::Refresh(const proto::ChannelHeader& header, const DirtyBits& dirty,
                          Findings& findings) {
  Link head{};
  memory_.ReadPtr(header.objects, head);
  bool relist = broken_ || !SameLink(head, head_);
  head_ = head;
  for (Object& object : objects_) {
    bool stale = Touched(object, dirty);
    if (dirty.Record(object.address, sizeof(ObjectRecord))) {
      ObjectRecord now;
      if (!memory_.ReadPtr(object.address, now) || now.magic != proto::kObjectMagic) {
        relist = true;
        break;
      }
      relist |= !SameLink(now.objects, object.record.objects);
      stale |= now.root != object.record.root || now.height != object.record.height ||
               now.pages != object.record.pages;
      object.record = now;
    }
    if (stale && !relist) {
      ReadPages(object, findings);
      CheckObjectPages(object, findings);
    }
  }
  if (relist) {
    Relist(header, findings);
  }
}

}  // namespace fv::oracle
