// SPDX-License-Identifier: Apache-2.0
//
// The rules are ordered from the entry itself to what it maps.
#include "src/oracle/page_rules.h"

#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/inspect/structures.h"
#include "src/inspect/table_reader.h"

namespace fv::oracle {
namespace {

using inspect::Hex;
using proto::FrameState;

class PteRules {
 public:
  PteRules(const inspect::MemoryReader& memory, uint64_t zero_pfn, const PteSite& site,
           Findings& findings)
      : memory_(memory), zero_pfn_(zero_pfn), site_(site), findings_(findings) {}

  void Check() {
    const uint64_t pfn = Pfn();
    if (pfn >= memory_.frames()) {
      Add(Rule::kOutsideRam,
          "the entry maps frame " + Hex(pfn) + ", RAM ends at frame " + Hex(memory_.frames()));
      return;
    }
    CheckBits();
    CheckState();
    if (site_.vma == nullptr) {
      Add(Rule::kNoVma, "the address is mapped but no VMA covers it");
      return;
    }
    if (Has(proto::kPteGuard)) {
      CheckGuard();
      return;
    }
    CheckRights();
    CheckSharing();
    CheckOrigin();
  }

 private:
  uint64_t Pfn() const { return inspect::PfnOf(site_.pte); }
  // Which page of its file or lineage the VMA has at the address.
  uint64_t PageIndex() const {
    return site_.vma->page_offset + ((site_.address - site_.vma->start) >> proto::kPageShift);
  }
  bool Has(proto::Pte bit) const { return (site_.pte & bit) != 0; }
  bool Vma(proto::VmaFlag flag) const { return (site_.vma->flags & flag) != 0; }
  bool Writable() const { return Has(proto::kPteWritable) && site_.rights.writable; }

  void Add(Rule rule, std::string sentence) {
    Finding& finding = findings_.Add(rule, std::move(sentence));
    finding.mm = site_.mm;
    finding.address = site_.address;
    finding.pte = site_.pte;
    if (Pfn() < memory_.frames()) {
      finding.pfn = Pfn();
      finding.frame = site_.frame;
    }
  }

  void CheckBits() {
    const bool zero = Pfn() == zero_pfn_;
    if (Has(proto::kPteCow) && Has(proto::kPteWritable)) {
      Add(Rule::kCowWritable, "the entry is marked copy-on-write and yet writable");
    }
    if (zero && Has(proto::kPteWritable)) {
      Add(Rule::kZeroWritable, "the zero frame is mapped writable");
    }
    if (zero != Has(proto::kPteZero)) {
      Add(Rule::kZeroMark, zero ? "the zero frame is mapped without its mark"
                                : "the zero mark stands on an entry that maps another frame");
    }
  }

  void CheckState() {
    const FrameState state = site_.frame.state;
    const bool ours =
        state == FrameState::kAnon || state == FrameState::kFile || state == FrameState::kZero;
    if (!ours) {
      Add(Rule::kForeignFrame, std::string("a user address maps a frame whose state is ") +
                                   inspect::FrameStateName(state));
    }
  }

  void CheckGuard() {
    if ((Has(proto::kPteUser) && site_.rights.user) || Writable() || !Has(proto::kPteZero)) {
      Add(Rule::kMoreThanVma, "a guard lets the user in, or maps a page");
    }
  }

  void CheckRights() {
    std::string more;
    if (!Vma(proto::kVmRead) && !Vma(proto::kVmWrite) && !Vma(proto::kVmExec) &&
        Has(proto::kPteUser) && site_.rights.user) {
      more += " read";
    }
    if (Writable() && !Vma(proto::kVmWrite)) {
      more += " write";
    }
    if (!Has(proto::kPteNoExecute) && site_.rights.executable && !Vma(proto::kVmExec)) {
      more += " execute";
    }
    if (!more.empty()) {
      Add(Rule::kMoreThanVma, "the entry allows" + more + ", which the VMA " +
                                  inspect::VmaText(*site_.vma) + " does not");
    }
  }

  void CheckSharing() {
    const bool file = site_.frame.state == FrameState::kFile;
    if (Vma(proto::kVmShared)) {
      if (Has(proto::kPteCow)) {
        Add(Rule::kSharedCow, "a shared mapping is marked copy-on-write");
      }
      if (!file) {
        Add(Rule::kSharedPrivateFrame,
            std::string("a shared mapping maps a frame whose state is ") +
                inspect::FrameStateName(site_.frame.state));
        return;
      }
    } else if (file && Writable()) {
      Add(Rule::kPrivateFileWritable, "a private mapping maps the file's own frame writable");
    }
    if (file) {
      const uint64_t index = PageIndex();
      const uint64_t expected = inspect::LookupObjectPage(memory_, site_.vma->object, index);
      if (expected != Pfn()) {
        Add(Rule::kWrongFilePage,
            "page " + std::to_string(index) + " of object " + Hex(site_.vma->object) + " is " +
                (expected == 0 ? std::string("absent") : "frame " + Hex(expected)) +
                ", the entry maps frame " + Hex(Pfn()));
      }
    }
  }

  // From the frame the kernel must come to this entry: by its holder's list to the VMA, by its page
  // index to the address.
  void CheckOrigin() {
    const FrameState state = site_.frame.state;
    if (state != FrameState::kAnon && state != FrameState::kFile) {
      return;
    }
    const bool anon = state == FrameState::kAnon;
    const proto::GuestPtr holder = anon ? site_.vma->lineage : site_.vma->object;
    const uint64_t index = PageIndex();
    if (holder == 0 || site_.frame.aux != proto::OriginOf(holder, index)) {
      Add(Rule::kOrigin, std::string("the frame's origin is ") + Hex(site_.frame.aux) +
                             ", the VMA has " + (anon ? "lineage " : "object ") + Hex(holder) +
                             " and page index " + Hex(index) + " here");
    }
  }

  const inspect::MemoryReader& memory_;
  const uint64_t zero_pfn_;
  const PteSite& site_;
  Findings& findings_;
};

void AddFrame(Rule rule, uint64_t pfn, const proto::FrameRecord& frame, std::string sentence,
              Findings& findings) {
  Finding& finding = findings.Add(rule, std::move(sentence));
  finding.pfn = pfn;
  finding.frame = frame;
}

}  // namespace

void CheckPte(const inspect::MemoryReader& memory, uint64_t zero_pfn, const PteSite& site,
              Findings& findings) {
  PteRules(memory, zero_pfn, site, findings).Check();
}

void CheckFrame(uint64_t pfn, const proto::FrameRecord& frame, const FrameSums& sums,
                Findings& findings) {
  if (frame.state == FrameState::kAnon && sums.maps >= 2) {
    if (sums.writable != 0) {
      AddFrame(Rule::kWritableShared, pfn, frame,
               std::to_string(sums.maps) + " entries map the frame, " +
                   std::to_string(sums.writable) + " of them writable",
               findings);
    }
    if (sums.cow != sums.maps) {
      AddFrame(Rule::kSharedNotCow, pfn, frame,
               std::to_string(sums.maps) + " entries map the frame, only " +
                   std::to_string(sums.cow) + " of them marked copy-on-write",
               findings);
    }
  }
  const bool counted = frame.state == FrameState::kAnon || frame.state == FrameState::kFile;
  const uint64_t expected = uint64_t{sums.maps} + sums.object_refs + frame.pins;
  if (counted && frame.refs != expected) {
    AddFrame(Rule::kFrameRefs, pfn, frame,
             "the count is " + std::to_string(frame.refs) + ", but " + std::to_string(sums.maps) +
                 " mappings, " + std::to_string(sums.object_refs) + " objects and " +
                 std::to_string(frame.pins) + " pins were found",
             findings);
  }
  if (frame.state == FrameState::kFile && sums.object_refs == 0 && sums.maps != 0) {
    AddFrame(Rule::kOrphanFilePage, pfn, frame,
             "the frame is mapped as a file's, but no object's tree holds it", findings);
  }
}

void CheckTable(const TableSite& site, const proto::FrameRecord& frame, Findings& findings) {
  auto add = [&](Rule rule, std::string sentence) {
    Finding& finding = findings.Add(rule, std::move(sentence));
    finding.mm = site.mm;
    finding.address = site.base;
    finding.pfn = site.pfn;
    finding.frame = frame;
  };
  if (frame.state != FrameState::kPageTable || proto::TableLevel(frame.aux) != site.level) {
    add(Rule::kTableState, "the frame serves as a page table of level " +
                               std::to_string(site.level) + " but is recorded as " +
                               inspect::FrameStateName(frame.state) + ", aux " + Hex(frame.aux));
    return;
  }
  if (frame.refs != site.parents) {
    add(Rule::kTableRefs, "the count is " + std::to_string(frame.refs) + ", but " +
                              std::to_string(site.parents) + " entries point to the table");
  }
  const uint64_t aux = site.shared_entries == 0 ? proto::TableAux(site.level, 0, 0)
                                                : proto::TableAux(site.level, site.anon, site.file);
  if (frame.aux != aux) {
    add(Rule::kSharedTableCounts,
        "the table's record says " + std::to_string(proto::TableAnonEntries(frame.aux)) +
            " anonymous and " + std::to_string(proto::TableFileEntries(frame.aux)) +
            " file entries, expected are " + std::to_string(proto::TableAnonEntries(aux)) +
            " and " + std::to_string(proto::TableFileEntries(aux)));
  }
  if (site.parents < 2) {
    return;
  }
  if (site.writable_entries != 0) {
    add(Rule::kSharedTableWritable, std::to_string(site.writable_entries) + " of the table's " +
                                        std::to_string(site.parents) + " parents are writable");
  }
  if (site.shared_entries != site.parents) {
    add(Rule::kSharedTableUnmarked, "only " + std::to_string(site.shared_entries) +
                                        " of the table's " + std::to_string(site.parents) +
                                        " parents mark it as shared");
  }
}

void CheckLostTable(uint64_t pfn, const proto::FrameRecord& frame, Findings& findings) {
  if (frame.state == FrameState::kPageTable) {
    AddFrame(Rule::kTableRefs, pfn, frame,
             "the frame is recorded as a page table, but no address space reaches it", findings);
  }
}

}  // namespace fv::oracle
