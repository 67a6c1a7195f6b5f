// SPDX-License-Identifier: Apache-2.0
//
// Where the pages of an address space stand in its picture: for each mapping a headline, then
// rows of cells, one a page. A row holds a power of two of pages, counted from the mapping's start.
// Stretches in which no page was touched shrink to one line.
import type { Mm, State, Vma } from "../model/state.js";
import { entriesPerTable } from "../model/state.js";
import { holeEnd, leafTable } from "../model/walk.js";
import type { Placed, Rect } from "./rows.js";
import { powerOfTwo, rowAt } from "./rows.js";

export interface MapRow extends Placed {
  readonly kind: "head" | "cells" | "gap";
  readonly vma: Vma;
  readonly first: number; // page number of the first cell, or of the first page left out
  readonly count: number; // cells; gaps: pages left out
}

export interface AddressMap {
  readonly rows: readonly MapRow[];
  readonly height: number;
  readonly cell: number; // pixels from one cell to the next
  readonly perRow: number;
}

export const gutter = 96; // pixels for the address before a row
const headHeight = 24;
const gapHeight = 15;
const blockSpace = 7;
// A run of untouched rows this long or longer becomes a gap.
const gapRows = 2;
// Further rows of a mapping count as untouched: no guest that is right has so many.
const mostRows = 2 ** 18;

// `resident`: how many pages are mapped, on which the cells' size depends.
export function layOutAddressMap(
  state: State,
  mm: Mm,
  resident: number,
  width: number,
): AddressMap {
  const least = cellSize(resident);
  const room = width - gutter - 4;
  const perRow = Math.min(128, powerOfTwo(room / least));
  const cell = Math.min(Math.floor(least * 1.4), Math.floor(room / perRow));
  const rows: MapRow[] = [];
  let y = 2;
  for (const vma of mm.vmas) {
    rows.push({ kind: "head", vma, first: vma.page, count: 0, y, height: headHeight });
    y += headHeight;
    y = placeCells(rows, state, mm, vma, perRow, cell, y) + blockSpace;
  }
  return { rows, height: y, cell, perRow };
}

function cellSize(pages: number): number {
  if (pages <= 300) return 15;
  if (pages <= 2000) return 10;
  if (pages <= 12000) return 7;
  return 5;
}

function placeCells(
  rows: MapRow[],
  state: State,
  mm: Mm,
  vma: Vma,
  perRow: number,
  cell: number,
  top: number,
): number {
  let y = top;
  let page = vma.page;
  eachStretch(state, mm, vma, perRow, (touched, count) => {
    const end = page + count;
    const whole = Math.ceil(count / perRow);
    if (!touched && whole >= gapRows) {
      rows.push({ kind: "gap", vma, first: page, count, y, height: gapHeight });
      y += gapHeight;
    } else {
      for (let first = page; first < end; first += perRow) {
        rows.push({
          kind: "cells",
          vma,
          first,
          count: Math.min(perRow, end - first),
          y,
          height: cell,
        });
        y += cell;
      }
    }
    page = end;
  });
  return y;
}

// Calls `visit` with alternating stretches of touched and untouched rows of `perRow` pages, in order.
function eachStretch(
  state: State,
  mm: Mm,
  vma: Vma,
  perRow: number,
  visit: (touched: boolean, pages: number) => void,
): void {
  let current: boolean | undefined;
  let pending = 0;
  let rows = 0;
  const last = vma.page + vma.pages;
  for (let page = vma.page; page < last; ) {
    if (rows >= mostRows) {
      if (current === true) visit(true, pending);
      visit(false, last - page + (current === true ? 0 : pending));
      return;
    }
    const touched = anyEntry(state, mm, page, Math.min(last, page + perRow));
    if (touched) ++rows;
    // Where whole tables are missing, all rows up to their end are untouched.
    const hole = touched ? 0 : Math.floor((holeEnd(state, mm, page) - page) / perRow);
    const end = Math.min(last, page + Math.max(1, hole) * perRow);
    if (current !== undefined && touched !== current) {
      visit(current, pending);
      pending = 0;
    }
    current = touched;
    pending += end - page;
    page = end;
  }
  if (current !== undefined) visit(current, pending);
}

function anyEntry(state: State, mm: Mm, first: number, end: number): boolean {
  for (let page = first; page < end; ) {
    const index = page % entriesPerTable;
    const here = Math.min(end - page, entriesPerTable - index);
    const words = leafTable(state, mm, page)?.words;
    if (words !== undefined) {
      for (let i = 2 * index; i < 2 * (index + here); ++i) if (words[i] !== 0) return true;
    }
    page += here;
  }
  return false;
}

// The page number under a point, or undefined.
export function pageAt(map: AddressMap, x: number, y: number): number | undefined {
  const row = map.rows[rowAt(map.rows, y)];
  if (row === undefined || row.kind !== "cells" || y < row.y || x < gutter) return undefined;
  const column = Math.floor((x - gutter) / map.cell);
  const page = row.first + column;
  return column < row.count && inside(row.vma, page) ? page : undefined;
}

function inside(vma: Vma, page: number): boolean {
  return page >= vma.page && page < vma.page + vma.pages;
}

// Where a page stands; for one inside a gap the gap's line. Undefined: not mapped.
export function rectOf(map: AddressMap, page: number): Rect | undefined {
  for (const row of map.rows) {
    if (row.kind === "head" || page < row.first || page >= row.first + row.count) continue;
    if (!inside(row.vma, page)) continue;
    if (row.kind === "gap") return { x: gutter, y: row.y, width: 60, height: row.height };
    const x = gutter + (page - row.first) * map.cell;
    return { x, y: row.y, width: map.cell - 1, height: map.cell - 1 };
  }
  return undefined;
}
