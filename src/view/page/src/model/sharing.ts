// SPDX-License-Identifier: Apache-2.0
//
// Who maps what, from the tables alone: how many address spaces reach each level-1 table, how many
// mappings each frame has, and for one frame the whole list. Nothing here is kept between steps; all
// of it costs one pass over the tables (about a millisecond for 100,000 pages).
import * as entry from "./entry.js";
import type { Mm, State } from "./state.js";
import { entriesPerTable, FrameKind } from "./state.js";
import { eachLeaf } from "./walk.js";

export interface Sharing {
  // By frame of a level-1 table: address spaces that reach it.
  readonly reach: ReadonlyMap<number, number>;
  // By frame: mappings; those of a table that two address spaces reach count twice. Saturates.
  readonly mappings: Uint16Array;
  // By Mm.id: pages mapped.
  readonly resident: ReadonlyMap<number, number>;
}

// `spare`: as of computeOwners.
export function computeSharing(state: State, spare?: Sharing): Sharing {
  const reach = new Map<number, number>();
  const leaves = new Map<number, number[]>();
  for (const mm of state.mms.values()) {
    const own: number[] = [];
    eachLeaf(state, mm, (table) => {
      own.push(table.frame);
      reach.set(table.frame, (reach.get(table.frame) ?? 0) + 1);
    });
    leaves.set(mm.id, own);
  }
  const mappings =
    spare?.mappings.length === state.frames
      ? spare.mappings.fill(0)
      : new Uint16Array(state.frames);
  const inTable = new Map<number, number>();
  for (const [frame, times] of reach) {
    const { words } = state.tables.get(frame)!;
    let count = 0;
    for (let i = 0; i < 2 * entriesPerTable; i += 2) {
      if ((words[i]! & entry.present) === 0) continue;
      const mapped = words[i + 1]!;
      if (mapped < mappings.length) mappings[mapped] = Math.min(65535, mappings[mapped]! + times);
      ++count;
    }
    inTable.set(frame, count);
  }
  const resident = new Map<number, number>();
  for (const [id, own] of leaves) {
    resident.set(
      id,
      own.reduce((sum, frame) => sum + inTable.get(frame)!, 0),
    );
  }
  return { reach, mappings, resident };
}

export interface Mapper {
  readonly mm: Mm;
  readonly page: number;
  readonly table: number; // frame of the level-1 table
  readonly index: number;
  readonly flags: number;
}

// Every virtual page that maps `frame`, by address space and address.
export function mappersOf(state: State, frame: number): Mapper[] {
  const found: Mapper[] = [];
  for (const mm of state.mms.values()) {
    eachLeaf(state, mm, ({ frame: table, words }, page) => {
      for (let index = 0; index < entriesPerTable; ++index) {
        const flags = words[2 * index]!;
        if ((flags & entry.present) === 0 || words[2 * index + 1] !== frame) continue;
        found.push({ mm, page: page + index, table, index, flags });
      }
    });
  }
  return found;
}

// The tasks of an address space, lowest pid first.
export function tasksOf(state: State, mm: number): number[] {
  const pids: number[] = [];
  for (const task of state.tasks.values()) if (task.mm === mm) pids.push(task.pid);
  return pids.sort((a, b) => a - b);
}

// What the mapping of a page amounts to. Names and looks are in legend.ts.
export const enum PageClass {
  none, // nothing mapped
  own, // anonymous, mapped once: a write needs no copy
  cowShared, // copy-on-write, and others do map the frame
  cowAlone, // copy-on-write, but nobody else maps the frame any more: a write takes it over
  sharedTable, // through a page table that several address spaces reach
  file, // a file's page in a private mapping
  shared, // a shared mapping
  zero, // the zero frame
  guard, // every access is refused: MADV_GUARD_INSTALL, or a page of a PROT_NONE mapping
  broken, // writable although other private mappings have the frame: what I1 forbids
}

export const pageClasses = 10;

// `table`: the frame of the level-1 table that the entry is in.
export function classify(
  state: State,
  sharing: Sharing,
  sharedMapping: boolean,
  table: number,
  flags: number,
  frame: number,
): PageClass {
  if ((flags & entry.guard) !== 0) return PageClass.guard;
  if ((flags & entry.present) === 0) return PageClass.none;
  if ((flags & entry.user) === 0) return PageClass.guard;
  if ((flags & entry.zero) !== 0) return PageClass.zero;
  if (sharedMapping) return PageClass.shared;
  if ((sharing.reach.get(table) ?? 0) > 1) return PageClass.sharedTable;
  if (state.frameKind[frame] === FrameKind.file) return PageClass.file;
  if ((sharing.mappings[frame] ?? 0) > 1) {
    return (flags & entry.writable) !== 0 ? PageClass.broken : PageClass.cowShared;
  }
  return (flags & entry.copyOnWrite) !== 0 ? PageClass.cowAlone : PageClass.own;
}
