// SPDX-License-Identifier: Apache-2.0
//
// The kernel root: the page tables that the guest kernel starts on, written by the host into guest
// RAM before the first instruction and never again (docs/architecture.md).
//
// One PML4 slot maps guest-physical memory at proto::kKernelBase. From 0 to the end of the
// image's last 2 MiB: 4 KiB pages - page 0 unmapped, the image by its segments' permissions,
// everything else read-write and not executable. The rest of RAM: 2 MiB pages, read-write, not
// executable. The doorbell, first page above RAM: one 4 KiB page, never part of a larger one.
// User-accessible throughout when the kernel runs in ring 3. Supervisor-only in ring 0, and global:
// every process root has the same window (in ring 3 process roots map less of it). Accessed
// and dirty bits are preset, so the CPU never writes these tables.
#pragma once

#include <cstdint>

#include "vmm/elf_loader.h"
#include "vmm/guest_memory.h"

namespace fv::vmm {

struct BootTables {
  uint64_t root_gpa;
  uint64_t end_gpa;  // first byte after the tables, page aligned
};

// Writes the tables from `start_gpa` (page aligned, memory still zero) on. `ring` is 0 or 3.
// Throws VmmError (kBadConfig) if they do not fit.
BootTables BuildBootTables(GuestMemory& memory, const LoadedImage& image, uint64_t start_gpa,
                           unsigned ring);

}  // namespace fv::vmm
