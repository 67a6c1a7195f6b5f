// SPDX-License-Identifier: Apache-2.0
#include "src/query/user_memory.h"

#include <algorithm>
#include <iterator>

#include "src/inspect/table_reader.h"

namespace fv::query {
namespace {

using proto::kPageBytes;

constexpr uint64_t kTableSpan = proto::EntrySpan(2);

}  // namespace

std::optional<uint64_t> UserMemory::Frame(uint64_t address) const {
  const auto after =
      std::upper_bound(mm_.leaves.begin(), mm_.leaves.end(), address,
                       [](uint64_t at, const inspect::LeafTable& leaf) { return at < leaf.base; });
  if (after == mm_.leaves.begin()) return std::nullopt;
  const inspect::LeafTable& leaf = *std::prev(after);
  if (address - leaf.base >= kTableSpan) return std::nullopt;
  const proto::Pte pte =
      moment_.snapshot.TableEntries(leaf.table)[proto::TableIndex(address, /*level=*/1)];
  const uint64_t pfn = inspect::PfnOf(pte);
  if (!inspect::Present(pte) || pfn >= moment_.memory.frames()) return std::nullopt;
  return pfn;
}

std::optional<uint64_t> UserMemory::Word(uint64_t address) const {
  if (address % sizeof(uint64_t) != 0) return std::nullopt;
  const std::optional<uint64_t> pfn = Frame(address);
  if (!pfn) return std::nullopt;
  return moment_.memory.Word((*pfn << proto::kPageShift) + address % kPageBytes);
}

std::string UserMemory::Bytes(uint64_t address, uint64_t bytes) const {
  std::string out;
  uint64_t words[kPageBytes / 8];
  while (out.size() < bytes) {
    const uint64_t at = address + out.size();
    const std::optional<uint64_t> pfn = Frame(at);
    if (!pfn) break;
    moment_.memory.LoadPage(*pfn, words);
    const uint64_t offset = at % kPageBytes;
    const uint64_t count = std::min(kPageBytes - offset, bytes - out.size());
    out.append(reinterpret_cast<const char*>(words) + offset, count);
  }
  return out;
}

}  // namespace fv::query
