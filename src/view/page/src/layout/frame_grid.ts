// SPDX-License-Identifier: Apache-2.0
//
// Where each frame of physical memory stands in its picture: rows of a power of two of frames. Rows
// of which no frame is used in the whole recording shrink to one line, so that nothing moves while the
// steps go by.
import type { Placed, Rect } from "./rows.js";
import { powerOfTwo, rowAt } from "./rows.js";

export interface FrameRow extends Placed {
  readonly kind: "cells" | "gap";
  readonly first: number; // frame
  readonly count: number; // frames
}

export interface FrameGrid {
  readonly rows: readonly FrameRow[];
  readonly height: number;
  readonly cell: number;
  readonly perRow: number;
}

export const gutter = 58; // pixels for the frame number before a row
const gapHeight = 17;

const largestCell = 20;

// `used`: by frame, whether it is ever used (History.used). Cells are as large as the window of
// `width` and `height` lets them be without scrolling, and never too small to tell them apart.
export function layOutFrames(used: Uint8Array, width: number, height: number): FrameGrid {
  const room = width - gutter - 4;
  const most = powerOfTwo(room / cellSize(used));
  for (let perRow = Math.min(16, most); perRow <= most; perRow *= 2) {
    const cell = Math.min(largestCell, Math.floor(room / perRow));
    const grid = placeRows(used, perRow, cell);
    if (grid.height <= height) return grid;
  }
  const least = cellSize(used);
  return placeRows(used, most, Math.min(Math.floor(least * 1.4), Math.floor(room / most)));
}

function placeRows(used: Uint8Array, perRow: number, cell: number): FrameGrid {
  const rows: FrameRow[] = [];
  let y = 2;
  for (let first = 0; first < used.length; ) {
    let end = Math.min(used.length, first + perRow);
    if (anyUsed(used, first, end)) {
      rows.push({ kind: "cells", first, count: end - first, y, height: cell });
      y += cell;
    } else {
      while (end < used.length && !anyUsed(used, end, Math.min(used.length, end + perRow))) {
        end = Math.min(used.length, end + perRow);
      }
      rows.push({ kind: "gap", first, count: end - first, y, height: gapHeight });
      y += gapHeight;
    }
    first = end;
  }
  return { rows, height: y + 2, cell, perRow };
}

function cellSize(used: Uint8Array): number {
  let count = 0;
  for (const one of used) count += one;
  if (count <= 1200) return 10;
  if (count <= 8000) return 7;
  return 5;
}

function anyUsed(used: Uint8Array, first: number, end: number): boolean {
  for (let frame = first; frame < end; ++frame) if (used[frame] !== 0) return true;
  return false;
}

export function frameAt(grid: FrameGrid, x: number, y: number): number | undefined {
  const row = grid.rows[rowAt(grid.rows, y)];
  if (row === undefined || row.kind === "gap" || y < row.y || x < gutter) return undefined;
  const column = Math.floor((x - gutter) / grid.cell);
  return column < row.count ? row.first + column : undefined;
}

export function rectOf(grid: FrameGrid, frame: number): Rect | undefined {
  let low = 0;
  let high = grid.rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = grid.rows[middle]!;
    if (row.first + row.count <= frame) low = middle + 1;
    else high = middle;
  }
  const row = grid.rows[low];
  if (row === undefined) return undefined;
  if (row.kind === "gap") return { x: gutter, y: row.y, width: 60, height: row.height };
  const x = gutter + (frame - row.first) * grid.cell;
  return { x, y: row.y, width: grid.cell - 1, height: grid.cell - 1 };
}
