// SPDX-License-Identifier: Apache-2.0
//
// Several accounts of one log.
#include "vmm/dirty_log.h"

#include <algorithm>
#include <utility>

#include "proto/layout.h"

namespace fv::vmm {
namespace {

void Add(std::span<const uint64_t> from, std::vector<uint64_t>& to) {
  to.resize(std::max(to.size(), from.size()));
  for (size_t i = 0; i < from.size(); ++i) to[i] |= from[i];
}

// Leaves in `to` what is in both.
void Keep(std::span<const uint64_t> from, std::vector<uint64_t>& to) {
  to.resize(std::min(to.size(), from.size()));
  for (size_t i = 0; i < to.size(); ++i) to[i] &= from[i];
}

}  // namespace

void DirtyLog::Collect() {
  if (entries_ != vcpu_.entries()) {
    vm_.GetDirtyLog(named_);
    // Most of memory was never written: what follows is for the part that was.
    while (!named_.empty() && named_.back() == 0) named_.pop_back();
    entries_ = vcpu_.entries();
    settled_ = false;
    open_ = named_;
    costly_.clear();
    for (Account& account : accounts_) {
      account.told = false;
      if (account.started) Add(named_, account.pages);
    }
  }
  if (AccountOf(Reader::kReset).started) memory_.TakeWrites(AccountOf(Reader::kReset).pages);
}

void DirtyLog::Start(Reader reader) {
  if (!busy_) {
    busy_.emplace(memory_.size() / proto::kPageBytes);
    vm_.SetDirtyLog(Vm::DirtyLog::kOn);
  }
  Account& account = AccountOf(reader);
  account.started = true;
  if (reader == Reader::kReset) memory_.LogWrites();
  Collect();
  account.pages.assign(memory_.size() / proto::kPageBytes / 64, 0);
}

void DirtyLog::Take(Reader reader, std::vector<uint64_t>& bitmap) {
  Collect();
  std::swap(bitmap, AccountOf(reader).pages);
  AccountOf(reader).pages.assign(bitmap.size(), 0);
}

void DirtyLog::Tell(Reader reader, const LogWishes& wishes) {
  if (settled_) return;
  AccountOf(reader).told = true;
  Keep(wishes.open, open_);
  Add(wishes.costly, costly_);
}

void DirtyLog::Settle() {
  if (settled_) return;
  settled_ = true;
  const bool all_told =
      std::ranges::all_of(accounts_, [](const Account& a) { return !a.started || a.told; });
  if (!all_told) open_.clear();
  for (size_t i = 0; i < open_.size(); ++i) named_[i] &= ~open_[i];
  // Who restores pages does more for one that is named than the recorder, who compares it.
  const bool cheap = !AccountOf(Reader::kOracle).started && !AccountOf(Reader::kReset).started;
  busy_->Take(named_, costly_, cheap ? BusyPages::Looks::kAreCheap : BusyPages::Looks::kCost,
              protect_);
  vm_.Protect(protect_);
}

}  // namespace fv::vmm
