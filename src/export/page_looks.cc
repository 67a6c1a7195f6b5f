// SPDX-License-Identifier: Apache-2.0
#include "src/export/page_looks.h"

#include <iterator>

#include "src/inspect/table_reader.h"

namespace fv::exports {
namespace {

constexpr Look kLooks[] = {
    {"absent", "no page", "#eef0f2", Mark::kPlain},
    {"own", "own", "#0072b2", Mark::kPlain},
    {"cow", "copy-on-write", "#e69f00", Mark::kHatch},
    {"alone", "alone again", "#56b4e9", Mark::kDots},
    {"sharedtable", "shared table", "#b2568a", Mark::kCrossHatch},
    {"file", "file", "#009e73", Mark::kPlain},
    {"shared", "shared", "#8a6d00", Mark::kBars},
    {"zero", "zero", "#16191d", Mark::kRings},
    {"noaccess", "no access", "#5b636d", Mark::kCrosses},
    {"broken", "writable though shared", "#d55e00", Mark::kCrosses},
};
static_assert(std::size(kLooks) == kPageStates);

}  // namespace

const Look& LookOf(PageState state) { return kLooks[static_cast<size_t>(state)]; }

PageState StateOf(const inspect::Snapshot& snapshot, const query::MappingIndex& index,
                  const query::Mapping& mapping, const inspect::Vma* vma) {
  const proto::Pte pte = mapping.pte;
  if ((pte & proto::kPteGuard) != 0) return PageState::kNoAccess;
  if (!inspect::Present(pte)) return PageState::kAbsent;
  if ((pte & proto::kPteUser) == 0) return PageState::kNoAccess;
  if ((pte & proto::kPteZero) != 0) return PageState::kZero;
  if (vma != nullptr && (vma->record.flags & proto::kVmShared) != 0) return PageState::kShared;
  if (mapping.shared_table) return PageState::kSharedTable;
  const uint64_t pfn = inspect::PfnOf(pte);
  if (snapshot.Frame(pfn).state == proto::FrameState::kFile) return PageState::kFile;
  if (index.Count(pfn) > 1) {
    return mapping.writable ? PageState::kBroken : PageState::kCopyOnWrite;
  }
  return (pte & proto::kPteCow) != 0 ? PageState::kAlone : PageState::kOwn;
}

}  // namespace fv::exports
