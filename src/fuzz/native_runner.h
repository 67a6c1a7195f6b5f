// SPDX-License-Identifier: Apache-2.0
//
// One program natively: on this Linux, in namespaces of its own, with no calls but those that
// programs have. The sandbox stays from program to program; each runs in a process of its own,
// which ends when all of its tasks are dead.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/fuzz/program.h"
#include "src/fuzz/results.h"
#include "src/native/native.h"
#include "src/native/service.h"
#include "src/rootfs/file_tree.h"

namespace fv::fuzz {

class NativeRunner {
 public:
  static absl::StatusOr<std::unique_ptr<NativeRunner>> Make(std::span<const uint8_t> executor,
                                                            native::NativeOptions::User user);

  // How long a program may take that does not end: for most, and where it is to be sure.
  static constexpr uint32_t kLimitMs = 200;
  static constexpr uint32_t kPatientLimitMs = 3000;

  // Results that are cut for FV_FUZZ_OVERTIME depend on chance.
  absl::StatusOr<Results> Run(const Program& program, uint32_t limit_ms = kLimitMs);

 private:
  explicit NativeRunner(rootfs::FileTree tree) : tree_(std::move(tree)) {}
  absl::StatusOr<Results> Ask(const Program& program, uint32_t limit_ms);

  rootfs::FileTree tree_;
  native::NativeOptions options_;
  std::unique_ptr<native::Service> service_;  // null: to be started
};

}  // namespace fv::fuzz
