// SPDX-License-Identifier: Apache-2.0
//
// A fault that finds no frame asks here before it gives up. Who has to go is for those to say who
// know tasks (guest/task/oom.cc); what can be taken at once from who goes is said here.
#pragma once

namespace fv::guest {

class Mm;

// Ends a process and takes its memory. True: there are free frames again, and the fault on `mm` may
// be tried once more. False: nothing could be freed now. Never sleeps. Implemented by guest/task.
bool RelieveMemory(Mm& mm);

// Drops the pages of all private mappings of an address space that no user code will run on again.
// (Linux: __oom_reap_task_mm.)
void ReapMm(Mm& mm);

}  // namespace fv::guest
