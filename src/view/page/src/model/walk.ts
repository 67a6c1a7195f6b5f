// SPDX-License-Identifier: Apache-2.0
//
// The four-level walk (Intel SDM volume 3, 4.5) over the recorded tables. A page is an address
// divided by 4096.
import { hugePage, present } from "./entry.js";
import type { Mm, State, Table } from "./state.js";
import { entriesPerTable } from "./state.js";

// Pages that one entry of a table of `level` spans.
export function entryPages(level: number): number {
  return entriesPerTable ** (level - 1);
}

export function tableIndex(page: number, level: number): number {
  return Math.floor(page / entryPages(level)) % entriesPerTable;
}

// The entry leads to a table of the level below.
export function leadsOn(flags: number): boolean {
  return (flags & (present | hugePage)) === present;
}

// One entry on the way from the root to a page.
export interface Hop {
  readonly table: Table;
  readonly index: number;
  readonly flags: number;
  readonly frame: number;
}

// The entries read for a page, root first; it ends early where an entry is not present, and the
// last hop has level 1 if the walk came through.
export function walk(state: State, mm: Mm, page: number): Hop[] {
  const hops: Hop[] = [];
  let next = mm.root;
  for (let level = 4; level >= 1; --level) {
    const table = state.tables.get(next);
    if (table === undefined || table.level !== level) break;
    const index = tableIndex(page, level);
    const flags = table.words[2 * index]!;
    const frame = table.words[2 * index + 1]!;
    hops.push({ table, index, flags, frame });
    if (!leadsOn(flags)) break;
    next = frame;
  }
  return hops;
}

// The level-1 table that covers a page, without an object for each hop.
export function leafTable(state: State, mm: Mm, page: number): Table | undefined {
  let table = state.tables.get(mm.root);
  for (let level = 4; level > 1; --level) {
    if (table === undefined) return undefined;
    const index = tableIndex(page, level);
    if (!leadsOn(table.words[2 * index]!)) return undefined;
    table = state.tables.get(table.words[2 * index + 1]!);
  }
  return table !== undefined && table.level === 1 ? table : undefined;
}

// The first page behind the hole that a page lies in, as far as the entry of the missing table spans.
// The page itself if a level-1 table covers it.
export function holeEnd(state: State, mm: Mm, page: number): number {
  let table = state.tables.get(mm.root);
  for (let level = 4; level > 1; --level) {
    const index = tableIndex(page, level);
    const flags = table?.words[2 * index] ?? 0;
    const next = leadsOn(flags) ? state.tables.get(table!.words[2 * index + 1]!) : undefined;
    if (next === undefined) return page - (page % entryPages(level)) + entryPages(level);
    table = next;
  }
  return page;
}

// Calls `visit` for each table that an address space reaches, a table before those below it and in
// the order of addresses, with the first page that the table covers. Of a guest that reaches its
// tables in more ways than any kernel has, only some.
export function eachTable(state: State, mm: Mm, visit: (table: Table, page: number) => void): void {
  let left = 2 * state.tables.size;
  const descend = (frame: number, level: number, page: number) => {
    const table = state.tables.get(frame);
    if (table === undefined || table.level !== level || left-- <= 0) return;
    visit(table, page);
    if (level === 1) return;
    for (let index = 0; index < entriesPerTable; ++index) {
      if (!leadsOn(table.words[2 * index]!)) continue;
      descend(table.words[2 * index + 1]!, level - 1, page + index * entryPages(level));
    }
  };
  descend(mm.root, 4, 0);
}

// The same, but only for tables of level 1.
export function eachLeaf(state: State, mm: Mm, visit: (table: Table, page: number) => void): void {
  eachTable(state, mm, (table, page) => {
    if (table.level === 1) visit(table, page);
  });
}
