// SPDX-License-Identifier: Apache-2.0
//
// Random sequences of mmap, munmap, mprotect, mremap, madvise, fork, exit, reads and writes in up
// to six processes, against a model that knows nothing of page tables: a process is a map from page
// to what is there. After every step some pages are compared, after some steps all of them and
// every count; at the end everything is given back.
#include <gtest/gtest.h>
#include <linux/mman.h>

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include "guest/mm/fork_ondemand.h"
#include "guest/mm/fork_registry.h"
#include "guest/mm/frames.h"
#include "guest/mm/mm.h"
#include "guest/mm/testing/fake_machine.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {
namespace {

using proto::kPageBytes;
using testing::FakeMachine;

using Bytes = std::array<uint8_t, kPageBytes>;

// Memory that several mappings share: a file or shared anonymous memory, by page.
struct SharedPages {
  std::map<uint64_t, Bytes> pages;
  uint64_t size;  // in pages; past it is SIGBUS
  Bytes& operator[](uint64_t index) { return pages[index]; }
};

struct ModelPage {
  uint64_t access = 0;
  bool shared = false;
  bool dont_copy = false;
  bool wipe = false;
  std::shared_ptr<SharedPages> object;  // nullptr: private anonymous
  uint64_t index = 0;                   // in the object
  std::shared_ptr<const Bytes> own;     // private copy, once written

  bool Reachable() const { return own != nullptr || object == nullptr || index < object->size; }
  Bytes Content() const {
    if (own != nullptr) {
      return *own;
    }
    return object != nullptr ? (*object)[index] : Bytes{};
  }
};

struct Process {
  Mm* mm;
  std::map<uint64_t, ModelPage> pages;  // by address
};

// Four groups of 24 pages around boundaries of page tables of level 1, 2 and 3.
constexpr uint64_t kGroups[] = {0x10000000 - 12 * kPageBytes, 0x40000000 - 12 * kPageBytes,
                                0x8000000000 - 12 * kPageBytes, 0x10400000};
constexpr uint64_t kGroupPages = 24;
constexpr uint64_t kFilePages = 16;

// By seed and strategy; tables are shared however few entries they have.
using Parameters = std::tuple<unsigned, const ForkStrategy*>;

constexpr OndemandFork kShareAll(1);

class ModelTest : public ::testing::TestWithParam<Parameters> {
 protected:
  void SetUp() override {
    file_model_ = std::make_shared<SharedPages>();
    file_model_->size = kFilePages;
    for (uint64_t i = 0; i < kFilePages; ++i) {
      for (uint64_t at = 0; at < kPageBytes; ++at) {
        (*file_model_)[i][at] = static_cast<uint8_t>(i * 31 + at);
      }
    }
    backing_.resize(kFilePages * kPageBytes);
    for (uint64_t i = 0; i < kFilePages; ++i) {
      std::memcpy(&backing_[i * kPageBytes], (*file_model_)[i].data(), kPageBytes);
    }
    usage_ = machine_.CurrentUsage();
    file_ = MemoryObject::Create(0).take();
    file_->SetBacking(backing_.data(), backing_.size());
    processes_.push_back({Mm::Create().take(), {}});
  }

  uint64_t Random(uint64_t below) { return random_() % below; }
  Process& Any() { return processes_[Random(processes_.size())]; }
  uint64_t AnyAddress() { return kGroups[Random(4)] + Random(kGroupPages) * kPageBytes; }
  // A random range within one group.
  std::pair<uint64_t, uint64_t> AnyRange() {
    const uint64_t first = Random(kGroupPages);
    const uint64_t count = 1 + Random(std::min<uint64_t>(8, kGroupPages - first));
    const uint64_t start = kGroups[Random(4)] + first * kPageBytes;
    return {start, start + count * kPageBytes};
  }
  uint64_t AnyAccess() {
    constexpr uint64_t kChoices[] = {3, 3, 3, 1, 0, 5, 7};
    return kChoices[Random(7)];
  }

  void Map() {
    Process& process = Any();
    const auto [start, end] = AnyRange();
    MapRequest request;
    request.address = start;
    request.length = end - start;
    request.flags = AnyAccess();
    request.placement = MapPlacement::kFixed;
    request.populate = Random(4) == 0 ? MapPopulate::kYes : MapPopulate::kNo;
    ModelPage page;
    page.access = request.flags;
    const uint64_t kind = Random(5);
    page.shared = kind == 1 || kind == 2;
    if (kind == 1) {
      page.object = std::make_shared<SharedPages>();
      page.object->size = (end - start) / kPageBytes;
    } else if (kind == 2 || kind == 3) {
      page.object = file_model_;
      page.index = Random(kFilePages - (end - start) / kPageBytes + 1);
      request.object = file_;
      request.page_offset = page.index;
    }
    request.flags |= page.shared ? proto::kVmShared : 0;
    Result<uint64_t> mapped = process.mm->Map(request);
    ASSERT_TRUE(mapped.ok());
    ASSERT_EQ(mapped.value(), start);
    // Populating makes private copies at once: later changes of the file are not seen.
    const bool copied =
        request.populate == MapPopulate::kYes && kind == 3 && (page.access & proto::kVmWrite) != 0;
    for (uint64_t at = start; at < end; at += kPageBytes, ++page.index) {
      page.own = nullptr;
      page.own = copied ? std::make_shared<Bytes>(page.Content()) : nullptr;
      process.pages[at] = page;
    }
  }

  void Unmap() {
    Process& process = Any();
    const auto [start, end] = AnyRange();
    ASSERT_TRUE(process.mm->Unmap(start, end - start).ok());
    process.pages.erase(process.pages.lower_bound(start), process.pages.lower_bound(end));
  }

  // Calls change(page) for the pages from `start` on up to the first gap; true if there was none.
  template <typename Change>
  bool UntilGap(Process& process, uint64_t start, uint64_t end, Change change) {
    for (uint64_t at = start; at < end; at += kPageBytes) {
      auto found = process.pages.find(at);
      if (found == process.pages.end()) {
        return false;
      }
      change(found->second);
    }
    return true;
  }

  void Protect() {
    Process& process = Any();
    const auto [start, end] = AnyRange();
    const uint64_t access = AnyAccess();
    const bool complete =
        UntilGap(process, start, end, [&](ModelPage& page) { page.access = access; });
    EXPECT_EQ(process.mm->Protect(start, end - start, access).ok(), complete);
  }

  void Advise() {
    constexpr int kAdvice[] = {MADV_DONTNEED, MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK,
                               MADV_KEEPONFORK};
    Process& process = Any();
    const auto [start, end] = AnyRange();
    const int advice = kAdvice[Random(5)];
    bool gap = false;
    bool refused = false;
    for (uint64_t at = start; at < end && !refused; at += kPageBytes) {
      auto found = process.pages.find(at);
      gap = gap || found == process.pages.end();
      if (found == process.pages.end()) {
        continue;
      }
      ModelPage& page = found->second;
      refused = advice == MADV_WIPEONFORK && page.object != nullptr;
      if (refused) {
        break;
      }
      if (advice == MADV_DONTNEED) {
        page.own = nullptr;
      }
      page.dont_copy = advice == MADV_DONTFORK || (advice != MADV_DOFORK && page.dont_copy);
      page.wipe = advice == MADV_WIPEONFORK || (advice != MADV_KEEPONFORK && page.wipe);
    }
    const Status status = process.mm->Advise(start, end - start, advice);
    EXPECT_EQ(status.ok(), !gap && !refused);
    if (refused) {
      EXPECT_EQ(status.error(), Error(EINVAL));
    }
  }

  void Move() {
    Process& process = Any();
    const auto [from, from_end] = AnyRange();
    const auto [to, to_end] = AnyRange();
    if (from < to_end && to < from_end) {
      return;
    }
    const uint64_t new_bytes = to_end - to;
    const bool keep = Random(3) == 0;
    const uint64_t old_bytes = keep ? new_bytes : from_end - from;
    const uint64_t flags = MREMAP_MAYMOVE | MREMAP_FIXED | (keep ? MREMAP_DONTUNMAP : 0);
    if (from + old_bytes > to && from < to_end) {
      return;
    }
    // One mapping only: the kernel refuses others, and where mappings end is its own business.
    const Vma* vma = process.mm->FindVma(from);
    if (vma == nullptr || vma->end < from + old_bytes) {
      return;
    }
    Result<uint64_t> moved = process.mm->Remap(from, old_bytes, new_bytes, flags, to);
    ASSERT_TRUE(moved.ok()) << moved.error().number();
    std::map<uint64_t, ModelPage>& pages = process.pages;
    pages.erase(pages.lower_bound(to), pages.lower_bound(to_end));
    ModelPage page = pages.at(from);
    for (uint64_t at = 0; at < new_bytes; at += kPageBytes) {
      ModelPage next = page;
      next.own = nullptr;
      next.index = page.index + at / kPageBytes;
      if (at < old_bytes) {
        next = pages.at(from + at);
      }
      pages[to + at] = next;
    }
    for (uint64_t at = from; at < from + old_bytes; at += kPageBytes) {
      if (keep) {
        pages.at(at).own = nullptr;
      } else {
        pages.erase(at);
      }
    }
  }

  void Fork() {
    if (processes_.size() >= 6) {
      return;
    }
    Process& parent = Any();
    HotPages hot;
    for (uint64_t i = Random(3); i > 0; --i) {
      hot.Add(AnyAddress() + Random(kPageBytes));
    }
    ForkCounts counts;
    Result<Mm*> mm = DupMm(*parent.mm, counts, hot, std::get<1>(GetParam()));
    ASSERT_TRUE(mm.ok());
    Process child{mm.value(), parent.pages};
    for (auto at = child.pages.begin(); at != child.pages.end();) {
      if (at->second.wipe) {
        at->second.own = nullptr;
      }
      at = at->second.dont_copy ? child.pages.erase(at) : std::next(at);
    }
    processes_.push_back(child);
  }

  void Exit() {
    if (processes_.size() < 2) {
      return;
    }
    const size_t which = Random(processes_.size());
    processes_[which].mm->Put();
    processes_.erase(processes_.begin() + static_cast<ptrdiff_t>(which));
  }

  void Write() {
    Process& process = Any();
    const uint64_t page_at = AnyAddress();
    const uint64_t offset = Random(kPageBytes - 8);
    const uint64_t value = random_();
    const bool written = WriteUser(*process.mm, page_at + offset, value).ok();
    auto found = process.pages.find(page_at);
    const bool mapped = found != process.pages.end();
    const bool allowed =
        mapped && (found->second.access & proto::kVmWrite) != 0 && found->second.Reachable();
    ASSERT_EQ(written, allowed) << std::hex << page_at;
    if (!allowed) {
      return;
    }
    ModelPage& page = found->second;
    if (page.shared) {
      std::memcpy(&(*page.object)[page.index][offset], &value, sizeof(value));
    } else {
      auto own = std::make_shared<Bytes>(page.Content());
      std::memcpy(&(*own)[offset], &value, sizeof(value));
      page.own = own;
    }
  }

  void Compare(Process& process, uint64_t at) {
    Bytes bytes;
    const bool read = CopyFromUser(*process.mm, bytes.data(), at, kPageBytes).ok();
    auto found = process.pages.find(at);
    const bool expected =
        found != process.pages.end() && found->second.access != 0 && found->second.Reachable();
    ASSERT_EQ(read, expected) << std::hex << at;
    if (read) {
      const Bytes content = found->second.Content();
      ASSERT_EQ(std::memcmp(bytes.data(), content.data(), kPageBytes), 0) << std::hex << at;
    }
  }

  void CompareAll() {
    for (Process& process : processes_) {
      for (uint64_t group : kGroups) {
        for (uint64_t i = 0; i < kGroupPages; ++i) {
          ASSERT_NO_FATAL_FAILURE(Compare(process, group + i * kPageBytes));
        }
      }
    }
  }

  void Step() {
    const uint64_t roll = Random(100);
    if (roll < 12) {
      Map();
    } else if (roll < 18) {
      Unmap();
    } else if (roll < 26) {
      Protect();
    } else if (roll < 32) {
      Advise();
    } else if (roll < 37) {
      Move();
    } else if (roll < 45) {
      Fork();
    } else if (roll < 49) {
      Exit();
    } else if (roll < 80) {
      Write();
    } else {
      Compare(Any(), AnyAddress());
    }
  }

  FakeMachine& machine_ = FakeMachine::Get();
  std::mt19937_64 random_{std::get<0>(GetParam())};
  std::shared_ptr<SharedPages> file_model_;
  std::vector<uint8_t> backing_;
  testing::Usage usage_;
  Ref<MemoryObject> file_;
  std::vector<Process> processes_;
};

TEST_P(ModelTest, BehavesAsTheModel) {
  for (int step = 0; step < 1500; ++step) {
    ASSERT_NO_FATAL_FAILURE(Step()) << "step " << step;
    if (step % 20 == 0) {
      ASSERT_EQ(machine_.CheckInvariants(), "") << "step " << step;
    }
    if (step % 100 == 0) {
      ASSERT_NO_FATAL_FAILURE(CompareAll()) << "step " << step;
    }
  }
  for (Process& process : processes_) {
    process.mm->Put();
  }
  processes_.clear();
  file_ = nullptr;
  EXPECT_EQ(machine_.CheckInvariants(), "");
  EXPECT_EQ(machine_.CurrentUsage(), usage_) << ToString(machine_.CurrentUsage());
  machine_.events().clear();
}

std::vector<const ForkStrategy*> Registered() {
  std::vector<const ForkStrategy*> strategies;
  for (const RegisteredStrategy& registered : ForkStrategies()) {
    strategies.push_back(registered.strategy);
  }
  return strategies;
}

INSTANTIATE_TEST_SUITE_P(EveryStrategy, ModelTest,
                         ::testing::Combine(::testing::Range(1u, 13u),
                                            ::testing::ValuesIn(Registered())));
INSTANTIATE_TEST_SUITE_P(ShareAll, ModelTest,
                         ::testing::Combine(::testing::Range(1u, 13u),
                                            ::testing::Values(&kShareAll)));

}  // namespace
}  // namespace fv::guest
