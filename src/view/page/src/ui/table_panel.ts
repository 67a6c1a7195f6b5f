// SPDX-License-Identifier: Apache-2.0
//
// The page tables of the address spaces on show. A table that both reach is one box.
import type { Rect } from "../layout/rows.js";
import { layOutTables, tableAt } from "../layout/table_tree.js";
import type { TableBox, TableTree } from "../layout/table_tree.js";
import * as entry from "../model/entry.js";
import type { Mm } from "../model/state.js";
import { entriesPerTable } from "../model/state.js";
import { walk } from "../model/walk.js";
import { CanvasPanel } from "./canvas_panel.js";
import { setText } from "./dom.js";
import type { Theme } from "./theme.js";
import type { View } from "./view.js";

const columnNames = ["level 4, root", "level 3", "level 2", "level 1, maps pages"];
const mono = "10px ui-monospace, 'DejaVu Sans Mono', monospace";

export class TablePanel extends CanvasPanel {
  #tree: TableTree = { boxes: new Map(), edges: [], height: 0, columns: [] };

  constructor(
    scroller: HTMLElement,
    private readonly note: HTMLElement,
    private readonly view: View,
    private readonly theme: Theme,
    requestPaint: () => void,
  ) {
    super(scroller, requestPaint);
    this.canvas.addEventListener("click", (event) => {
      const { x, y } = this.point(event);
      const box = tableAt(this.#tree, x, y);
      if (box !== undefined) this.#select(box);
    });
    this.canvas.addEventListener("mousemove", (event) => {
      const { x, y } = this.point(event);
      const box = tableAt(this.#tree, x, y);
      this.canvas.style.cursor = box === undefined ? "default" : "pointer";
      this.canvas.title =
        box === undefined ? "" : `table in frame 0x${box.table.frame.toString(16)}`;
    });
  }

  // The first page below a table; the table's frame if there is none.
  #select(box: TableBox): void {
    let { table } = box;
    let { page } = box;
    while (table.level > 1) {
      const index = firstEntry(table.words);
      const next =
        index === undefined ? undefined : this.view.state.tables.get(table.words[2 * index + 1]!);
      if (index === undefined || next === undefined) break;
      page += index * entriesPerTable ** (table.level - 1);
      table = next;
    }
    const index = firstEntry(table.words);
    const mm = this.#mms().find((one) =>
      walk(this.view.state, one, page).some((hop) => hop.table === box.table),
    );
    if (table.level === 1 && index !== undefined && mm !== undefined) {
      this.view.select({ kind: "page", mm: mm.id, page: page + index });
    } else {
      this.view.select({ kind: "frame", frame: box.table.frame });
    }
  }

  #mms(): Mm[] {
    const { first, second } = this.view.shown();
    return [first, second].filter((mm) => mm !== undefined);
  }

  get tree(): TableTree {
    return this.#tree;
  }

  rectOf(frame: number): Rect | undefined {
    return this.#tree.boxes.get(frame);
  }

  protected override layOut(): number {
    if (!this.view.ready) return 0;
    this.#tree = layOutTables(this.view.state, this.#mms(), this.width);
    const shared = [...this.#tree.boxes.values()].filter((box) => box.parents > 1).length;
    const count = this.#tree.boxes.size;
    const text = `${count} ${count === 1 ? "table" : "tables"}${shared > 0 ? `, ${shared} shared` : ""}`;
    setText(this.note, text);
    this.scroller.setAttribute("aria-label", `Page tables of the address spaces on show: ${text}`);
    return this.#tree.height;
  }

  protected override draw(context: CanvasRenderingContext2D, from: number, to: number): void {
    const { palette } = this.theme;
    const way = this.#way();
    context.font = "10px system-ui, sans-serif";
    context.fillStyle = palette.faint;
    this.#tree.columns.forEach((column, i) => {
      context.fillText(columnNames[i]!, column.x, column.y + 13);
    });
    for (const edge of this.#tree.edges) {
      const top = Math.min(edge.from.y, edge.to.y);
      const bottom = Math.max(edge.from.y, edge.to.y) + 20;
      if (bottom < from || top > to) continue;
      const chosen = way.has(edge.from.table.frame) && way.has(edge.to.table.frame);
      this.#drawEdge(context, edge.from, edge.to, chosen);
    }
    for (const box of this.#tree.boxes.values()) {
      if (box.y + box.height < from || box.y > to) continue;
      this.#drawBox(context, box, way.has(box.table.frame));
      ++this.drawn;
    }
  }

  // Frames of the tables that the selected page's walk reads.
  #way(): Set<number> {
    const { selection } = this.view;
    if (selection?.kind === "frame") return new Set([selection.frame]);
    const mm = selection && this.view.state.mms.get(selection.mm);
    if (selection === undefined || mm === undefined) return new Set();
    return new Set(walk(this.view.state, mm, selection.page).map((hop) => hop.table.frame));
  }

  #drawEdge(
    context: CanvasRenderingContext2D,
    from: TableBox,
    to: TableBox,
    chosen: boolean,
  ): void {
    const { palette } = this.theme;
    const shared = to.parents > 1;
    context.strokeStyle = chosen ? palette.ink : shared ? palette["table-shared"] : palette.line;
    // Many shared tables under one parent would be one patch of colour.
    context.lineWidth = chosen ? 2 : 1.2;
    context.globalAlpha = shared && !chosen ? 0.7 : 1;
    const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
    const [x2, y2] = [to.x, to.y + to.height / 2];
    const bend = (x2 - x1) / 2;
    context.beginPath();
    context.moveTo(x1, y1);
    context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
    context.stroke();
    context.globalAlpha = 1;
  }

  #drawBox(context: CanvasRenderingContext2D, box: TableBox, chosen: boolean): void {
    const { palette } = this.theme;
    const shared = (this.view.sharing().reach.get(box.table.frame) ?? 0) > 1 || box.parents > 1;
    const changed = this.view.changed().tables.has(box.table.frame);
    context.fillStyle = palette.panel;
    context.fillRect(box.x, box.y, box.width, box.height);
    this.#drawEntries(context, box);
    context.strokeStyle = chosen
      ? palette.ink
      : changed
        ? palette.alert
        : shared
          ? palette["table-shared"]
          : palette.table;
    context.lineWidth = chosen || changed || shared ? 2 : 1;
    context.strokeRect(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1);
    if (shared) context.strokeRect(box.x + 3, box.y + 3, box.width - 6, box.height - 6);
    context.font = mono;
    const text = `${box.table.frame.toString(16)}${shared ? " shared" : ""}`;
    const inset = shared ? 6 : 4;
    context.fillStyle = palette.ink;
    context.fillText(text, box.x + inset, box.y + 11.5);
  }

  // Which entries are there, as marks along the box's foot: high where a page is mapped plainly, low
  // and orange where it is copy-on-write.
  #drawEntries(context: CanvasRenderingContext2D, box: TableBox): void {
    const { words, level } = box.table;
    const { palette } = this.theme;
    const inner = box.width - 4;
    const mark = Math.max(1.5, inner / entriesPerTable);
    for (let i = 0; i < entriesPerTable; ++i) {
      const flags = words[2 * i]!;
      if ((flags & entry.present) === 0) continue;
      const x = box.x + 2 + (i / entriesPerTable) * (inner - mark);
      const lower = level === 1 && (flags & entry.copyOnWrite) !== 0;
      context.fillStyle = level > 1 ? palette.table : lower ? palette.cow : palette.own;
      const high = lower ? 4 : 7;
      context.fillRect(x, box.y + box.height - 1 - high, mark, high);
    }
  }
}

function firstEntry(words: Uint32Array): number | undefined {
  for (let i = 0; i < entriesPerTable; ++i) if ((words[2 * i]! & entry.present) !== 0) return i;
  return undefined;
}
