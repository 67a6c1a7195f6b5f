// SPDX-License-Identifier: Apache-2.0
#include "src/query/stop_at.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/inspect/render.h"
#include "src/session/machine_view.h"
#include "vmm/ioctl.h"
#include "vmm/machine.h"

namespace fv::query {

absl::StatusOr<When> ParseWhen(const std::string& text) {
  When when;
  if (text == "end") return when;
  std::string_view name = text;
  constexpr std::string_view kBefore = "before:";
  if (name.starts_with(kBefore)) {
    when.side = When::Side::kBefore;
    name.remove_prefix(kBefore.size());
  }
  const size_t colon = name.find(':');
  const std::string_view number = colon == name.npos ? "1" : name.substr(colon + 1);
  name = name.substr(0, colon);
  when.kind = inspect::EventKindNamed(name).value_or(proto::EventKind::kCount);
  const char* const last = number.data() + number.size();
  const auto [end, error] = std::from_chars(number.data(), last, when.nth);
  if (error != std::errc() || end != last) when.nth = 0;
  if (when.at_end() || when.nth == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is no moment: end, or a kind of events and perhaps a number,",
                     " as in fork-end, cow-break:3 or before:fork-end"));
  }
  return when;
}

std::string WhenText(const When& when) {
  if (when.at_end()) return "end";
  return absl::StrCat(when.side == When::Side::kBefore ? "before:" : "",
                      inspect::EventKindText(when.kind), ":", when.nth);
}

GuestRam RamOf(const vmm::MachineInterface& machine) {
  const proto::BootInfo& boot = machine.boot_info();
  return {session::ReaderOf(machine), boot.channel_gpa, boot.channel_bytes};
}

absl::StatusOr<Moment> TakeMomentOf(vmm::MachineInterface& machine, Keep keep) {
  absl::StatusOr<Moment> moment = TakeMoment(RamOf(machine), keep);
  auto* const on_kvm = dynamic_cast<vmm::Machine*>(&machine);
  if (moment.ok() && on_kvm != nullptr) {
    const vmm::Vcpu& vcpu = on_kvm->vcpu();
    kvm_fpu floating{};
    vmm::IoctlOrThrow(vcpu.fd(), KVM_GET_FPU, "KVM_GET_FPU", &floating);
    moment->cpu = CpuRegistersOf(vcpu.regs(), vcpu.sregs(), floating);
  }
  return moment;
}

StopAt::StopAt(vmm::MachineInterface& machine, std::vector<When> whens)
    : machine_(machine), whens_(std::move(whens)) {}

void StopAt::OnEvent(const proto::EventRecord& event) {
  if (event.kind < proto::EventKind::kCount) ++seen_[static_cast<size_t>(event.kind)];
}

vmm::Next StopAt::OnSafepoint(proto::SafepointKind) {
  if (Complete() || Next().at_end()) return vmm::Next::kContinue;
  const bool came = Seen(Next()) >= Next().nth;
  if (Next().side == When::Side::kAfter) {
    const bool last = moments_.size() + 1 == whens_.size();
    return came ? Take(last ? Keep::kLive : Keep::kCopy) : vmm::Next::kContinue;
  }
  if (came && before_) return Add(*std::exchange(before_, std::nullopt));
  absl::StatusOr<Moment> moment = TakeMomentOf(machine_, Keep::kCopy);
  if (moment.ok()) before_ = *std::move(moment);
  return vmm::Next::kContinue;
}

vmm::Next StopAt::OnDone() {
  return Complete() || !Next().at_end() ? vmm::Next::kContinue : Take(Keep::kLive);
}

vmm::Next StopAt::Take(Keep keep) {
  absl::StatusOr<Moment> moment = TakeMomentOf(machine_, keep);
  if (moment.ok()) return Add(*std::move(moment));
  status_ = moment.status();
  return vmm::Next::kStop;
}

vmm::Next StopAt::Add(Moment moment) {
  moments_.push_back(std::move(moment));
  if (Complete()) return vmm::Next::kStop;
  // The moment before an event was an earlier safepoint: this one may be the next moment.
  const bool earlier = whens_[moments_.size() - 1].side == When::Side::kBefore;
  return earlier ? OnSafepoint(proto::SafepointKind::kSyscall) : vmm::Next::kContinue;
}

}  // namespace fv::query
