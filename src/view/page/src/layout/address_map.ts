// SPDX-License-Identifier: Apache-2.0
//
// Where the pages of an address space stand in its picture: for each mapping a headline, then
// rows of cells, one a page. A row holds a power of two of pages and starts at a multiple of it, so
// that the same page stands in the same column in every address space. Stretches in which no page was
// ever touched shrink to one line.
import type { Mm, State, Vma } from "../model/state.js";
import { entriesPerTable } from "../model/state.js";
import { leafTable } from "../model/walk.js";
import type { Placed, Rect } from "./rows.js";
import { powerOfTwo, rowAt } from "./rows.js";

export interface MapRow extends Placed {
  readonly kind: "head" | "cells" | "gap";
  readonly vma: Vma;
  readonly first: number; // page number of the first cell, which may lie before the mapping; gaps: exact
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

export function layOutAddressMap(state: State, mm: Mm, width: number): AddressMap {
  const least = cellSize(touchedPages(state, mm));
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

// Pages with an entry that is not zero, roughly: it only chooses the cells' size.
function touchedPages(state: State, mm: Mm): number {
  let pages = 0;
  for (const vma of mm.vmas) {
    eachStretch(state, mm, vma, 32, (touched, count) => {
      if (touched) pages += count;
    });
  }
  return pages;
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
      for (let first = page - (page % perRow); first < end; first += perRow) {
        rows.push({ kind: "cells", vma, first, count: perRow, y, height: cell });
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
  const last = vma.page + vma.pages;
  const add = (touched: boolean, pages: number) => {
    if (current !== undefined && touched !== current) {
      visit(current, pending);
      pending = 0;
    }
    current = touched;
    pending += pages;
  };
  for (let page = vma.page; page < last; ) {
    const table = leafTable(state, mm, page);
    const tableEnd = page - (page % entriesPerTable) + entriesPerTable;
    const end = Math.min(last, table === undefined ? tableEnd : page - (page % perRow) + perRow);
    add(table !== undefined && anyEntry(table.words, page % entriesPerTable, end - page), end - page);
    page = end;
  }
  if (current !== undefined) visit(current, pending);
}

function anyEntry(words: Uint32Array, index: number, count: number): boolean {
  const end = 2 * Math.min(entriesPerTable, index + count);
  for (let i = 2 * index; i < end; ++i) if (words[i] !== 0) return true;
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
