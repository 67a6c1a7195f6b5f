// SPDX-License-Identifier: Apache-2.0
//
// forkvisor kernel: the guest kernel that is inside the command, as an ELF file with its symbols
// and line numbers, for debuggers and disassemblers.
#include "src/cli/flags.h"
#include "src/cli/output.h"
#include "src/cli/verbs.h"

DECLARE_string(out);

namespace fv::cli {

int KernelVerb(const Words& args) {
  absl::StatusOr<Arguments> arguments = ParseArguments(args, {"out", "kernel"});
  if (!arguments.ok()) return UsageError("kernel", arguments.status());
  if (arguments->help) return ShowHelp("kernel");
  if (!arguments->words.empty()) return UsageError("kernel", "kernel takes flags only");
  if (FLAGS_out.empty()) return UsageError("kernel", "where to? --out=FILE");
  absl::StatusOr<std::span<const uint8_t>> image = KernelImage();
  if (!image.ok()) return StatusError(image.status());
  CheckBoots(*image);
  return WriteOut({reinterpret_cast<const char*>(image->data()), image->size()}, FLAGS_out);
}

}  // namespace fv::cli
