// SPDX-License-Identifier: Apache-2.0
//
// The guest at one step: tasks, address spaces, page tables, frames. Physical truth only: a table
// is stored under the frame that holds it, so one that two address spaces share is one object, and
// virtual addresses come from walking (walk.ts).
//
// Tasks and address spaces are immutable values, replaced when they change; tables and frames are
// typed arrays, changed in place. Only History writes here, so that every change can be taken back.
//
// Addresses and frame numbers are JavaScript numbers: all of them are below 2^53.

export const pageBytes = 4096;
export const entriesPerTable = 512;
export const pagesOfSpace = entriesPerTable ** 4; // that four levels of tables reach

// What a frame holds, in the order of FrameState in proto/records.h.
export const enum FrameKind {
  free,
  reserved,
  table,
  slab,
  stack,
  kernel,
  anon,
  file,
  zero,
}

export interface Task {
  readonly pid: number;
  readonly tgid: number;
  readonly ppid: number; // 0: none
  readonly mm: number; // Mm.id; 0: a kernel task, or a dead one
  readonly state: number; // index into Header.taskStates
  readonly name: string;
  readonly exitStatus: number; // as wait(2) gives it, of a zombie
  readonly stack: number; // first frame of the kernel stack; 0: none
}

export interface Vma {
  readonly page: number; // first page: address / 4096
  readonly pages: number;
  readonly flags: number; // vma.ts
  readonly object: number; // file or shared memory; 0: anonymous
  readonly offset: number; // of the first page in the object
  readonly file: number; // its name's place in Recording.files; 0: none
}

export interface Mm {
  readonly id: number;
  readonly address: number; // of the kernel's object, less Header.kernelBase: events name it so
  readonly root: number; // frame of the level-4 table
  readonly strategy: number; // index into Header.strategies
  readonly vmas: readonly Vma[]; // by page
}

export class Table {
  // Entry i is words[2i] (flags, entry.ts; 0: empty) and words[2i + 1] (the frame).
  readonly words = new Uint32Array(2 * entriesPerTable);
  constructor(
    readonly frame: number,
    readonly level: number, // 4: root ... 1: entries map pages
  ) {}
}

export class State {
  readonly tasks = new Map<number, Task>();
  readonly mms = new Map<number, Mm>();
  readonly tables = new Map<number, Table>();
  // By number of the CPU, the pid of the task on it.
  readonly running = new Map<number, number>();
  readonly frameKind: Uint8Array; // FrameKind
  readonly frameExtra: Uint32Array; // slabs: their cache; others: references that no entry explains

  constructor(readonly frames: number) {
    this.frameKind = new Uint8Array(frames);
    this.frameExtra = new Uint32Array(frames);
  }
}
