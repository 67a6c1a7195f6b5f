// SPDX-License-Identifier: Apache-2.0
//
// Where things stand: each page and frame at one place, found again from that place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Recording } from "../../src/decode/recording.js";
import * as addressMap from "../../src/layout/address_map.js";
import * as frameGrid from "../../src/layout/frame_grid.js";
import { rowAt } from "../../src/layout/rows.js";
import { layOutTables, tableAt } from "../../src/layout/table_tree.js";
import * as entry from "../../src/model/entry.js";
import { History } from "../../src/model/history.js";
import type { Mm, Vma } from "../../src/model/state.js";
import { FrameKind, pagesOfSpace } from "../../src/model/state.js";
import { eachTable } from "../../src/model/walk.js";
import { Guest } from "../support/guest.js";

function vma(page: number, pages: number): Vma {
  return { page, pages, flags: 3, object: 0, offset: 0, file: 0 };
}

// An address space with level-1 tables for the pages given; each page maps frame 100.
function mmWith(history: History, vmas: Vma[], pages: number[]): Mm {
  history.setTable(1, 4);
  history.setTable(2, 3);
  history.setTable(3, 2);
  history.setEntry(1, 0, entry.present, 2);
  history.setEntry(2, 0, entry.present, 3);
  for (const page of pages) {
    const table = 10 + Math.floor(page / 512);
    if (!history.state.tables.has(table)) {
      history.setTable(table, 1);
      history.setEntry(3, Math.floor(page / 512), entry.present, table);
    }
    history.setEntry(table, page % 512, entry.present | entry.user, 100);
  }
  return { id: 1, address: 0, root: 1, strategy: 0, vmas };
}

test("a guest whose tables lead to each other in a billion ways is laid out", () => {
  const history = new History(1000);
  for (let level = 4; level >= 1; --level) history.setTable(10 * level, level);
  for (let level = 4; level >= 1; --level) {
    for (let i = 0; i < 512; ++i) history.setEntry(10 * level, i, entry.present, 10 * (level - 1));
  }
  const mm = { id: 1, address: 0, root: 40, strategy: 0, vmas: [vma(0, pagesOfSpace)] };
  let tables = 0;
  eachTable(history.state, mm, () => ++tables);
  assert.ok(tables > 0 && tables <= 8, `${tables}`);
  const map = addressMap.layOutAddressMap(history.state, mm, 5, 400);
  assert.equal(
    map.rows.reduce((pages, row) => pages + row.count, 0),
    pagesOfSpace,
  );
});

test("every page of a mapping has one cell, or is part of one gap", () => {
  const history = new History(1000);
  const mm = mmWith(history, [vma(5, 40), vma(600, 1000)], [5, 6, 44, 700, 1111]);
  const map = addressMap.layOutAddressMap(history.state, mm, 5, 400);
  const seen = new Map<number, number>();
  for (const row of map.rows) {
    if (row.kind === "head") continue;
    for (let i = 0; i < row.count; ++i) seen.set(row.first + i, (seen.get(row.first + i) ?? 0) + 1);
  }
  assert.equal(seen.size, 1040);
  assert.ok([...seen.values()].every((times) => times === 1));
  for (const page of [5, 6, 44, 700, 1111]) {
    const rect = addressMap.rectOf(map, page)!;
    assert.equal(addressMap.pageAt(map, rect.x + 1, rect.y + 1), page);
  }
  assert.ok(map.rows.some((row) => row.kind === "gap"));
  assert.equal(addressMap.rectOf(map, 4), undefined);
  assert.equal(addressMap.rectOf(map, 45), undefined);
});

test("rows are in order and do not overlap", () => {
  const history = new History(1000);
  const mm = mmWith(history, [vma(0, 3000), vma(4000, 1)], [1, 1500, 2999, 4000]);
  const { rows, height } = addressMap.layOutAddressMap(history.state, mm, 4, 300);
  for (let i = 1; i < rows.length; ++i) {
    assert.ok(rows[i]!.y >= rows[i - 1]!.y + rows[i - 1]!.height);
    assert.equal(rowAt(rows, rows[i]!.y), i);
  }
  assert.ok(rows.at(-1)!.y + rows.at(-1)!.height <= height);
});

test("a huge mapping that is empty is one line, and quickly so", () => {
  const history = new History(1000);
  const mm = mmWith(history, [vma(0x10000, 2 ** 33)], [3]);
  const map = addressMap.layOutAddressMap(history.state, mm, 1, 400);
  assert.deepEqual(
    map.rows.map(({ kind, count }) => [kind, count]),
    [
      ["head", 0],
      ["gap", 2 ** 33],
    ],
  );
});

test("frames that are never used shrink to a line, all others have a cell", () => {
  const used = new Uint8Array(10_000);
  for (const frame of [1, 17, 18, 5000]) used[frame] = 1;
  const grid = frameGrid.layOutFrames(used, 400, 60);
  assert.equal(
    grid.rows.reduce((sum, row) => sum + row.count, 0),
    10_000,
  );
  assert.equal(grid.rows.filter((row) => row.kind === "gap").length, 2);
  for (const frame of [0, 17, 18, 5000]) {
    const rect = frameGrid.rectOf(grid, frame)!;
    assert.equal(frameGrid.frameAt(grid, rect.x + 1, rect.y + 1), frame);
  }
});

test("a table that two address spaces reach is one box with two lines to it", () => {
  const history = new History(1000);
  const first = mmWith(history, [vma(0, 512)], [7]);
  history.setTable(50, 4);
  history.setTable(51, 3);
  history.setTable(52, 2);
  history.setEntry(50, 0, entry.present, 51);
  history.setEntry(51, 0, entry.present, 52);
  history.setEntry(52, 0, entry.present | entry.sharedTable, 10);
  const second = { ...first, id: 2, root: 50 };
  const tree = layOutTables(history.state, [first, second], 400);
  assert.equal(tree.boxes.size, 7);
  assert.equal(tree.boxes.get(10)!.parents, 2);
  assert.equal(tree.edges.filter((edge) => edge.to.table.frame === 10).length, 2);
  const boxes = [...tree.boxes.values()];
  for (const box of boxes) {
    assert.equal(tableAt(tree, box.x + 1, box.y + 1), box);
    for (const other of boxes) {
      const apart = box.x !== other.x || Math.abs(box.y - other.y) >= box.height;
      assert.ok(box === other || apart, "two boxes in one place");
    }
  }
});

test("tables in a ring do not hang the layout", () => {
  const history = new History(1000);
  const mm = mmWith(history, [vma(0, 512)], [7]);
  history.setEntry(3, 9, entry.present, 1); // back to the root
  history.setEntry(10, 9, entry.present, 10);
  assert.equal(layOutTables(history.state, [mm], 400).boxes.size, 4);
});

test("the grid does not move while a recording goes by", () => {
  const guest = new Guest(512, 0x100, 8);
  guest.touch(2, 0x100);
  guest.exit(guest.fork(2));
  const recording = new Recording();
  recording.push(guest.end());
  const history = recording.history!;
  const rows = JSON.stringify(frameGrid.layOutFrames(history.used, 400, 60).rows);
  history.seek(0);
  assert.equal(JSON.stringify(frameGrid.layOutFrames(history.used, 400, 60).rows), rows);
  assert.equal(history.state.frameKind[3], FrameKind.zero);
});
