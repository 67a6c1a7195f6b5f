// SPDX-License-Identifier: Apache-2.0
//
// Two address spaces side by side: in which pages they differ.
import * as entry from "./entry.js";
import type { Mm, State } from "./state.js";
import { entriesPerTable } from "./state.js";
import { eachLeaf } from "./walk.js";

export const enum Difference {
  onlyHere, // the other one has no page there
  frame, // another frame
  rights, // the same frame, but writable or copy-on-write in one of them only
}

export interface Comparison {
  // By page, seen from the first and from the second.
  readonly first: ReadonlyMap<number, Difference>;
  readonly second: ReadonlyMap<number, Difference>;
  readonly same: number; // pages with the same frame and rights
  readonly otherFrame: number;
  readonly otherRights: number;
}

const rights = entry.writable | entry.copyOnWrite | entry.user;

export function compare(state: State, first: Mm, second: Mm): Comparison {
  const left = leaves(state, first);
  const right = leaves(state, second);
  const result = {
    first: new Map<number, Difference>(),
    second: new Map<number, Difference>(),
    same: 0,
    otherFrame: 0,
    otherRights: 0,
  };
  for (const base of new Set([...left.keys(), ...right.keys()])) {
    compareTables(left.get(base), right.get(base), base, result);
  }
  return result;
}

function leaves(state: State, mm: Mm): Map<number, Uint32Array> {
  const found = new Map<number, Uint32Array>();
  eachLeaf(state, mm, (table, page) => found.set(page, table.words));
  return found;
}

interface Result {
  first: Map<number, Difference>;
  second: Map<number, Difference>;
  same: number;
  otherFrame: number;
  otherRights: number;
}

function compareTables(
  left: Uint32Array | undefined,
  right: Uint32Array | undefined,
  base: number,
  result: Result,
): void {
  for (let i = 0; i < entriesPerTable; ++i) {
    const a = left?.[2 * i] ?? 0;
    const b = right?.[2 * i] ?? 0;
    const hasA = (a & entry.present) !== 0;
    const hasB = (b & entry.present) !== 0;
    if (!hasA && !hasB) continue;
    const page = base + i;
    if (hasA !== hasB) {
      (hasA ? result.first : result.second).set(page, Difference.onlyHere);
    } else if (left![2 * i + 1] !== right![2 * i + 1]) {
      result.first.set(page, Difference.frame);
      result.second.set(page, Difference.frame);
      ++result.otherFrame;
    } else if (((a ^ b) & rights) !== 0) {
      result.first.set(page, Difference.rights);
      result.second.set(page, Difference.rights);
      ++result.otherRights;
    } else {
      ++result.same;
    }
  }
}
