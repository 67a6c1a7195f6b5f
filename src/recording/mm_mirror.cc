// SPDX-License-Identifier: Apache-2.0
#include "src/recording/mm_mirror.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "proto/layout.h"

namespace fv::recording {

using proto::EventKind;
using proto::GuestPtr;
using proto::kKernelBase;
using proto::kPageShift;

VmaFields FieldsOf(const proto::VmaRecord& vma) {
  return {vma.start >> kPageShift, (vma.end - vma.start) >> kPageShift, vma.flags,
          vma.object == 0 ? 0 : vma.object - kKernelBase, vma.page_offset};
}

std::vector<VmaFields> FieldsOf(std::span<const inspect::Vma> vmas) {
  std::vector<VmaFields> fields;
  for (const inspect::Vma& vma : vmas) {
    const VmaFields next = FieldsOf(vma.record);
    if (!fields.empty() && fields.back().page >= next.page) {
      std::erase_if(fields, [&](const VmaFields& other) { return other.page == next.page; });
    }
    fields.push_back(next);
  }
  std::ranges::sort(fields, {}, &VmaFields::page);
  return fields;
}

// Of the record that FieldsOf made `vma` of.
GuestPtr AddressOf(const inspect::Mm& mm, const VmaFields& vma) {
  const auto at = std::find_if(mm.vmas.rbegin(), mm.vmas.rend(), [&](const inspect::Vma& one) {
    return one.record.start >> kPageShift == vma.page;
  });
  return at == mm.vmas.rend() ? 0 : at->address;
}

uint32_t MmMirror::IdOf(GuestPtr address) const {
  const int32_t slot = address == 0 ? -1 : cache_.Find(address);
  return slot < 0 || static_cast<size_t>(slot) >= told_.size() ? 0 : told_[slot].id;
}

const MmMirror::Told* MmMirror::ModelOf(GuestPtr address) const {
  const auto at = copies_.find(address);
  const int32_t slot = at == copies_.end() ? -1 : cache_.Find(at->second);
  const bool known = slot >= 0 && static_cast<size_t>(slot) < told_.size() && told_[slot].id != 0;
  return known && told_[slot].address == at->second ? &told_[slot] : nullptr;
}

void MmMirror::DropRoot(uint32_t slot, TableMirror& tables) {
  if (std::exchange(told_[slot].held, false)) tables.Drop(told_[slot].root);
}

void MmMirror::Update(const proto::ChannelHeader& header, const oracle::DirtyBits& dirty,
                      std::span<const proto::EventRecord> events, TableMirror& tables,
                      schema::Change& change) {
  copies_.clear();
  for (const proto::EventRecord& event : events) {
    if (event.kind == EventKind::kMmCopy) copies_[event.b] = event.a;
  }
  oracle::Findings ignored(0);
  cache_.Refresh(header, dirty, ignored);
  told_.resize(cache_.slots().size());
  tables.Begin(change);
  for (const uint32_t slot : cache_.gone()) {
    DropRoot(slot, tables);
    change.add_removed_mms(told_[slot].id);
    told_[slot] = {};
  }
  for (const uint32_t slot : cache_.moved()) DropRoot(slot, tables);
  tables.Update(dirty);
  const auto is_gone = [&](uint32_t slot) { return std::ranges::count(cache_.gone(), slot) != 0; };
  // A new one may be a copy of an old one as that is now.
  for (const bool fresh : {false, true}) {
    for (uint32_t slot = 0; slot < told_.size(); ++slot) {
      const auto& state = cache_.slots()[slot];
      if (state == nullptr || (told_[slot].id == 0) != fresh) continue;
      if (!state->read && told_[slot].held) continue;  // as it was told
      if (is_gone(slot)) continue;
      Tell(slot, change);
      if (told_[slot].held) continue;
      const Told* const model = ModelOf(state->mm.address);
      told_[slot].held = tables.Hold(told_[slot].root, model == nullptr ? 0 : model->root);
    }
  }
  tables.End();
  cache_.Release();
}

void MmMirror::Tell(uint32_t slot, schema::Change& change) {
  const inspect::Mm& mm = cache_.slots()[slot]->mm;
  std::vector<VmaFields> vmas = FieldsOf(mm.vmas);
  Told& told = told_[slot];
  const uint64_t root = mm.record.root_gpa >> kPageShift;
  const bool is_new = told.id == 0;
  if (!is_new && told.root == root && told.strategy == mm.record.fork_strategy &&
      told.vmas == vmas) {
    return;
  }
  schema::Mm& out = *change.add_mms();
  const Told* model = &told;
  if (is_new) {
    told.id = ++last_id_;
    told.address = mm.address;
    out.set_address(mm.address - kKernelBase);
    if (const Told* const parent = ModelOf(mm.address); parent != nullptr && parent != &told) {
      model = parent;
      out.set_vmas_of(parent->id);
    }
  }
  out.set_id(told.id);
  if (is_new || told.root != root) out.set_root(static_cast<uint32_t>(root));
  if (is_new || told.strategy != mm.record.fork_strategy) {
    out.set_strategy(mm.record.fork_strategy);
  }
  TellVmas(*model, mm, vmas, out, change);
  told.root = root;
  told.strategy = mm.record.fork_strategy;
  told.vmas = std::move(vmas);
}

void MmMirror::TellVmas(const Told& model, const inspect::Mm& from,
                        const std::vector<VmaFields>& now, schema::Mm& mm, schema::Change& change) {
  auto was = model.vmas.begin();
  for (const VmaFields& vma : now) {
    for (; was != model.vmas.end() && was->page < vma.page; ++was) mm.add_removed_vmas(was->page);
    const bool same = was != model.vmas.end() && *was == vma;
    if (was != model.vmas.end() && was->page == vma.page) ++was;
    if (same) continue;
    schema::Vma& out = *mm.add_vmas();
    out.set_page(vma.page);
    out.set_pages(vma.pages);
    out.set_flags(vma.flags);
    out.set_object(vma.object);
    out.set_page_offset(vma.page_offset);
    if (vma.object != 0) out.set_file(files_.IdOf(AddressOf(from, vma), change));
  }
  for (; was != model.vmas.end(); ++was) mm.add_removed_vmas(was->page);
}

}  // namespace fv::recording
