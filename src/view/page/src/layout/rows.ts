// SPDX-License-Identifier: Apache-2.0
//
// A tall picture made of rows, of which a window shows some. Rows are in the order of y.

export interface Placed {
  readonly y: number;
  readonly height: number;
}

// The index of the row that holds `y`, or of the first one below; rows.length if none is.
export function rowAt(rows: readonly Placed[], y: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle]!;
    if (row.y + row.height <= y) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The largest power of two that is at most `limit`, itself at least 1.
export function powerOfTwo(limit: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, limit)));
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
