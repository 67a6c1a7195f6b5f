// SPDX-License-Identifier: Apache-2.0
//
// Several accounts of one log.
#include "vmm/dirty_log.h"

#include <algorithm>
#include <utility>

namespace fv::vmm {
namespace {

void Add(const std::vector<uint64_t>& from, std::vector<uint64_t>& to) {
  to.resize(from.size());
  for (size_t i = 0; i < from.size(); ++i) to[i] |= from[i];
}

}  // namespace

void DirtyLog::Collect() {
  vm_.GetDirtyLog(fresh_);
  for (Account& account : accounts_) {
    if (account.started) Add(fresh_, account.pages);
  }
  if (AccountOf(Reader::kReset).started) memory_.TakeWrites(AccountOf(Reader::kReset).pages);
}

void DirtyLog::Start(Reader reader) {
  if (!logging_) {
    vm_.SetDirtyLog(Vm::DirtyLog::kOn);
    logging_ = true;
  }
  AccountOf(reader).started = true;
  if (reader == Reader::kReset) memory_.LogWrites();
  Collect();
  std::fill(AccountOf(reader).pages.begin(), AccountOf(reader).pages.end(), 0);
}

void DirtyLog::Take(Reader reader, std::vector<uint64_t>& bitmap) {
  Collect();
  std::swap(bitmap, AccountOf(reader).pages);
  AccountOf(reader).pages.assign(bitmap.size(), 0);
}

}  // namespace fv::vmm
