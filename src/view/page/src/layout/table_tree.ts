// SPDX-License-Identifier: Apache-2.0
//
// Where page tables stand in their picture: a column for each level, roots on the left. A table that
// several parents point to is drawn once, with a line from each of them.
import type { Mm, State, Table } from "../model/state.js";
import { entriesPerTable } from "../model/state.js";
import { entryPages, leadsOn } from "../model/walk.js";
import type { Rect } from "./rows.js";

export interface TableBox extends Rect {
  readonly table: Table;
  readonly page: number; // first one covered
  readonly parents: number; // of those drawn
}

export interface TableEdge {
  readonly from: TableBox;
  readonly to: TableBox;
  readonly index: number; // of the entry in `from`
  readonly mm: number; // whose walk goes here
}

export interface TableTree {
  readonly boxes: ReadonlyMap<number, TableBox>; // by frame
  readonly edges: readonly TableEdge[];
  readonly height: number;
  readonly columns: readonly Rect[]; // levels 4, 3, 2, 1
}

interface Node {
  readonly table: Table;
  readonly page: number;
  readonly children: { readonly node: Node; readonly index: number; readonly mm: number }[];
  parents: number;
  y: number;
}

const boxHeight = 22;
const boxSpace = 5;
const top = 22; // under the columns' names

// Trees of `mms`, in this order.
export function layOutTables(state: State, mms: readonly Mm[], width: number): TableTree {
  const nodes = new Map<number, Node>();
  const roots: Node[] = [];
  for (const mm of mms) {
    const root = collect(state, nodes, mm.id, mm.root, 4, 0);
    if (root !== undefined) roots.push(root);
  }
  const columnSpace = width < 340 ? 14 : 26;
  const narrow = Math.max(44, Math.min(84, (width - 4 * columnSpace) / 5));
  const leaf = Math.max(60, width - 3 * (narrow + columnSpace) - 6);
  const columns = [0, 1, 2, 3].map((i) => ({
    x: 2 + i * (narrow + columnSpace),
    y: 0,
    width: i === 3 ? leaf : narrow,
    height: top,
  }));
  const height = placeLeaves(nodes, roots);
  const boxes = new Map<number, TableBox>();
  for (const node of nodes.values()) {
    const column = columns[4 - node.table.level]!;
    const { table, page, parents, y } = node;
    boxes.set(table.frame, {
      x: column.x,
      y,
      width: column.width,
      height: boxHeight,
      table,
      page,
      parents,
    });
  }
  return { boxes, edges: connect(nodes, boxes), height, columns };
}

function collect(
  state: State,
  nodes: Map<number, Node>,
  mm: number,
  frame: number,
  level: number,
  page: number,
): Node | undefined {
  const known = nodes.get(frame);
  const table = state.tables.get(frame);
  if (table === undefined || table.level !== level) return undefined;
  if (known !== undefined) return known;
  const node: Node = { table, page, children: [], parents: 0, y: -1 };
  nodes.set(frame, node);
  if (level === 1) return node;
  for (let index = 0; index < entriesPerTable; ++index) {
    if (!leadsOn(table.words[2 * index]!)) continue;
    const start = page + index * entryPages(level);
    const child = collect(state, nodes, mm, table.words[2 * index + 1]!, level - 1, start);
    if (child === undefined) continue;
    node.children.push({ node: child, index, mm });
    ++child.parents;
  }
  return node;
}

// Leaves one below the other as a walk meets them; every other table beside its first child, but
// never over the one above it in its column.
function placeLeaves(nodes: ReadonlyMap<number, Node>, roots: readonly Node[]): number {
  const next = [top, top, top, top, top]; // by level: the first free y
  const place = (node: Node): void => {
    if (node.y >= 0) return;
    for (const { node: child } of node.children) place(child);
    node.y = Math.max(next[node.table.level]!, node.children[0]?.node.y ?? 0);
    next[node.table.level] = node.y + boxHeight + boxSpace;
  };
  for (const root of roots) {
    place(root);
    const bottom = Math.max(...next);
    // A line of space between two trees, where they have tables of their own.
    next.fill(bottom + boxSpace, 1);
  }
  let height = top;
  for (const node of nodes.values()) height = Math.max(height, node.y + boxHeight + boxSpace);
  return height;
}

function connect(
  nodes: ReadonlyMap<number, Node>,
  boxes: ReadonlyMap<number, TableBox>,
): TableEdge[] {
  const edges: TableEdge[] = [];
  for (const node of nodes.values()) {
    for (const { node: child, index, mm } of node.children) {
      edges.push({
        from: boxes.get(node.table.frame)!,
        to: boxes.get(child.table.frame)!,
        index,
        mm,
      });
    }
  }
  return edges;
}

export function tableAt(tree: TableTree, x: number, y: number): TableBox | undefined {
  for (const box of tree.boxes.values()) {
    if (x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height) return box;
  }
  return undefined;
}
