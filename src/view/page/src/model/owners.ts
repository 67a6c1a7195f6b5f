// SPDX-License-Identifier: Apache-2.0
//
// Whose a frame is: the processes that map it, whose page table it is, or on whose kernel stack it
// lies. A process has a slot, the lowest that is free when it first has memory, so that processes
// that live at one time have different ones and each keeps its own at every step.
import * as entry from "./entry.js";
import type { History } from "./history.js";
import type { Mm, State, Task } from "./state.js";
import { entriesPerTable, FrameKind } from "./state.js";
import { leadsOn } from "./walk.js";

export class Slots {
  #slots = new Map<number, number>(); // by process
  #taken = new Set<number>();
  #read = -1; // steps taken in; -1: not even the beginning

  slotOf(process: number): number | undefined {
    return this.#slots.get(process);
  }

  // Takes in the steps that have come since.
  update(history: History): void {
    if (this.#read < 0) {
      for (const task of history.tasksAtFirst) this.#see(undefined, task);
      this.#read = 0;
    }
    for (; this.#read < history.steps; ++this.#read) {
      for (const { before, after } of history.taskChanges(this.#read)) this.#see(before, after);
    }
  }

  #see(before: Task | undefined, after: Task | undefined): void {
    if (after === undefined) {
      if (before !== undefined && before.pid === before.tgid) this.#free(before.tgid);
    } else if (after.mm !== 0 && !this.#taken.has(this.#slots.get(after.tgid) ?? -1)) {
      this.#take(after.tgid);
    }
  }

  #take(process: number): void {
    let slot = 0;
    while (this.#taken.has(slot)) ++slot;
    this.#taken.add(slot);
    this.#slots.set(process, slot);
  }

  #free(process: number): void {
    const slot = this.#slots.get(process);
    if (slot !== undefined) this.#taken.delete(slot);
  }
}

// The process that an address space belongs to: of several the one with the lowest pid; 0: of none.
export function processesOf(state: State): Map<number, number> {
  const processes = new Map<number, number>();
  for (const { mm, tgid } of state.tasks.values()) {
    if (mm === 0) continue;
    processes.set(mm, Math.min(tgid, processes.get(mm) ?? tgid));
  }
  return processes;
}

export const mostOwners = 3; // that are told by name
const stackFrames = 4; // FV_KERNEL_STACK_BYTES in proto/layout.h

export interface Owners {
  // By frame: how many processes have it. Saturates.
  readonly count: Uint8Array;
  // By frame and place below mostOwners: the owners that were made first.
  readonly processes: Uint32Array;
}

export function computeOwners(state: State): Owners {
  const count = new Uint8Array(state.frames);
  const processes = new Uint32Array(mostOwners * state.frames);
  const last = new Uint32Array(state.frames); // the process counted last
  const add = (frame: number, process: number) => {
    if (frame >= state.frames || last[frame] === process) return;
    last[frame] = process;
    const before = count[frame]!;
    if (before < mostOwners) processes[mostOwners * frame + before] = process;
    if (before < 255) count[frame] = before + 1;
  };
  const of = processesOf(state);
  for (const mm of state.mms.values()) {
    const process = of.get(mm.id);
    if (process !== undefined) eachFrame(state, mm, (frame) => add(frame, process));
  }
  for (const task of state.tasks.values())
    eachStackFrame(state, task, (frame) => add(frame, task.tgid));
  return { count, processes };
}

// The frames of one process, as 1.
export function framesOf(state: State, process: number): Uint8Array {
  const frames = new Uint8Array(state.frames);
  const add = (frame: number) => {
    if (frame < state.frames) frames[frame] = 1;
  };
  for (const [mm, owner] of processesOf(state)) {
    const of = state.mms.get(mm);
    if (owner === process && of !== undefined) eachFrame(state, of, add);
  }
  for (const task of state.tasks.values())
    if (task.tgid === process) eachStackFrame(state, task, add);
  return frames;
}

// Page tables and what they map, but for the frame of zeroes, which is everybody's.
function eachFrame(state: State, mm: Mm, visit: (frame: number) => void): void {
  const descend = (frame: number, level: number) => {
    const table = state.tables.get(frame);
    if (table === undefined || table.level !== level) return;
    visit(frame);
    const { words } = table;
    for (let i = 0; i < 2 * entriesPerTable; i += 2) {
      const flags = words[i]!;
      if (level > 1) {
        if (leadsOn(flags)) descend(words[i + 1]!, level - 1);
      } else if ((flags & (entry.present | entry.zero)) === entry.present) {
        visit(words[i + 1]!);
      }
    }
  };
  descend(mm.root, 4);
}

function eachStackFrame(state: State, task: Task, visit: (frame: number) => void): void {
  if (task.stack === 0) return;
  for (let frame = task.stack; frame < task.stack + stackFrames; ++frame) {
    if (state.frameKind[frame] === FrameKind.stack) visit(frame);
  }
}
