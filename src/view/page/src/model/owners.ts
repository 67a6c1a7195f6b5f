// SPDX-License-Identifier: Apache-2.0
//
// Whose a frame is: the processes that map it, whose page table it is, or on whose kernel stack it
// lies. A process has a slot, the lowest that is free when it first has memory, so that processes
// that live at one time have different ones and each keeps its own at every step.
import * as entry from "./entry.js";
import type { History } from "./history.js";
import type { State, Task } from "./state.js";
import { entriesPerTable, FrameKind } from "./state.js";
import { eachTable } from "./walk.js";

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
  // By frame: the owner counted last.
  readonly last: Uint32Array;
}

// `spare`: owners at another step, which are not needed any more: their memory is used again.
export function computeOwners(state: State, spare?: Owners): Owners {
  const { frames } = state;
  const again = spare?.count.length === frames ? spare : undefined;
  const count = again?.count.fill(0) ?? new Uint8Array(frames);
  const last = again?.last.fill(0) ?? new Uint32Array(frames);
  const processes = again?.processes ?? new Uint32Array(mostOwners * frames);
  const add = (frame: number, process: number) => {
    if (frame >= frames || last[frame] === process) return;
    last[frame] = process;
    const before = count[frame]!;
    if (before < mostOwners) processes[mostOwners * frame + before] = process;
    if (before < 255) count[frame] = before + 1;
  };
  const of = processesOf(state);
  for (const mm of state.mms.values()) {
    const process = of.get(mm.id);
    if (process === undefined) continue;
    eachTable(state, mm, ({ frame, level, words }) => {
      add(frame, process);
      if (level > 1) return;
      for (let i = 0; i < 2 * entriesPerTable; i += 2)
        if (ownsPage(words[i]!)) add(words[i + 1]!, process);
    });
  }
  for (const task of state.tasks.values())
    eachStackFrame(state, task, (frame) => add(frame, task.tgid));
  return { count, processes, last };
}

// The frames of one process, as 1.
export function framesOf(state: State, process: number): Uint8Array {
  const frames = new Uint8Array(state.frames);
  const add = (frame: number) => {
    if (frame < state.frames) frames[frame] = 1;
  };
  for (const [id, owner] of processesOf(state)) {
    const mm = state.mms.get(id);
    if (owner !== process || mm === undefined) continue;
    eachTable(state, mm, ({ frame, level, words }) => {
      add(frame);
      if (level > 1) return;
      for (let i = 0; i < 2 * entriesPerTable; i += 2) if (ownsPage(words[i]!)) add(words[i + 1]!);
    });
  }
  for (const task of state.tasks.values())
    if (task.tgid === process) eachStackFrame(state, task, add);
  return frames;
}

// The entry maps a page; the frame of zeroes is everybody's.
function ownsPage(flags: number): boolean {
  return (flags & (entry.present | entry.zero)) === entry.present;
}

function eachStackFrame(state: State, task: Task, visit: (frame: number) => void): void {
  if (task.stack === 0) return;
  for (let frame = task.stack; frame < task.stack + stackFrames; ++frame) {
    if (state.frameKind[frame] === FrameKind.stack) visit(frame);
  }
}
