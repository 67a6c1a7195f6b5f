// SPDX-License-Identifier: Apache-2.0
//
// One address space: its mappings, and a cell for each of their pages.
import { gutter, layOutAddressMap, pageAt, rectOf } from "../layout/address_map.js";
import type { AddressMap, MapRow } from "../layout/address_map.js";
import type { Rect } from "../layout/rows.js";
import { rowAt } from "../layout/rows.js";
import { Difference } from "../model/compare.js";
import { classify, PageClass, pageClasses } from "../model/sharing.js";
import type { Mm, Table, Vma } from "../model/state.js";
import { entriesPerTable, pageBytes } from "../model/state.js";
import * as vmas from "../model/vma.js";
import { leafTable } from "../model/walk.js";
import { pageLooks } from "../paint/looks.js";
import { CanvasPanel, elide } from "./canvas_panel.js";
import { setText } from "./dom.js";
import type { Theme } from "./theme.js";
import { hasChanged } from "./view.js";
import type { Side, View } from "./view.js";

export class AddressPanel extends CanvasPanel {
  #map: AddressMap = { rows: [], height: 0, cell: 15, perRow: 16 };
  // Pages on show, by what they are, for tests.
  counts: number[] = [];

  constructor(
    scroller: HTMLElement,
    private readonly title: HTMLElement,
    private readonly note: HTMLElement,
    private readonly side: Side,
    private readonly view: View,
    private readonly theme: Theme,
    requestPaint: () => void,
  ) {
    super(scroller, requestPaint);
    this.canvas.addEventListener("click", (event) => {
      const { x, y } = this.point(event);
      this.#select(pageAt(this.#map, x, y));
    });
    this.canvas.addEventListener("mousemove", (event) => this.#hover(event));
    scroller.addEventListener("keydown", (event) => this.#key(event));
  }

  get mm(): Mm | undefined {
    return this.view.shown()[this.side];
  }

  get map(): AddressMap {
    return this.#map;
  }

  rectOf(page: number): Rect | undefined {
    return rectOf(this.#map, page);
  }

  protected override layOut(): number {
    const { mm } = this;
    this.#describe(mm);
    if (mm === undefined) {
      this.#map = { rows: [], height: 0, cell: 15, perRow: 16 };
      return 0;
    }
    this.#map = layOutAddressMap(
      this.view.state,
      mm,
      this.view.sharing().resident.get(mm.id) ?? 0,
      this.width,
    );
    return this.#map.height;
  }

  #describe(mm: Mm | undefined): void {
    const { view } = this;
    if (mm === undefined) {
      setText(this.title, this.side === "first" ? "no address space" : "nothing to compare");
      setText(this.note, "");
      this.scroller.setAttribute("aria-label", "empty");
      return;
    }
    const resident = view.sharing().resident.get(mm.id) ?? 0;
    setText(this.title, view.nameOf(mm));
    const mappings = mm.vmas.length === 1 ? "mapping" : "mappings";
    setText(this.note, `${resident.toLocaleString("en")} pages, ${mm.vmas.length} ${mappings}`);
    this.note.title = `forks by ${view.recording.header?.strategies[mm.strategy] ?? "?"}`;
    this.scroller.setAttribute(
      "aria-label",
      `Address space of ${view.nameOf(mm)}: ${mm.vmas.length} mappings, ${resident} pages. Arrow keys select a page.`,
    );
  }

  protected override draw(context: CanvasRenderingContext2D, from: number, to: number): void {
    this.counts = new Array<number>(pageClasses).fill(0);
    const { mm } = this;
    if (mm === undefined) return;
    const { rows } = this.#map;
    for (let i = rowAt(rows, from); i < rows.length && rows[i]!.y < to; ++i) {
      const row = rows[i]!;
      if (row.kind === "head") this.#drawHead(context, row);
      else if (row.kind === "gap") this.#drawGap(context, row);
      else this.#drawCells(context, mm, row, rows[i - 1]);
    }
    this.#drawSelection(context, mm);
  }

  #drawHead(context: CanvasRenderingContext2D, row: MapRow): void {
    const { palette } = this.theme;
    const { vma } = row;
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, row.y + 0.5);
    context.lineTo(this.width, row.y + 0.5);
    context.stroke();
    const base = row.y + 16;
    context.textAlign = "left";
    context.fillStyle = palette.ink;
    context.font = "600 12px system-ui, sans-serif";
    const count = `${vma.pages.toLocaleString("en")} ${vma.pages === 1 ? "page" : "pages"}`;
    const advice = vmas.advice(vma);
    const words = [
      `${vmas.range(vma)} ${vmas.permissions(vma)}`,
      advice === "" ? count : `${advice}, ${count}`,
    ];
    const title = vmas.title(vma, this.view.pathOf(vma));
    const bold = "600 12px system-ui, sans-serif";
    const plain = "11px ui-monospace, 'DejaVu Sans Mono', monospace";
    const width = (font: string, text: string) => {
      context.font = font;
      return context.measureText(text).width;
    };
    const room = (used: readonly string[]) =>
      this.width - 8 - used.reduce((sum, text) => sum + width(plain, text) + 10, 0);
    // What has no room goes: first the addresses, which stand before the rows, then the count.
    if (width(bold, title) > room(words)) words[0] = vmas.permissions(vma);
    if (width(bold, title) > room(words)) words.pop();
    context.font = bold;
    const name = elide(context, title, room(words));
    context.fillText(name, 4, base);
    const after = 4 + context.measureText(name).width + 10;
    context.font = plain;
    context.fillStyle = palette.faint;
    context.fillText(words[0]!, after, base);
    if (words[1] !== undefined) {
      context.textAlign = "right";
      context.fillText(words[1], this.width - 4, base);
    }
    context.textAlign = "left";
  }

  #drawGap(context: CanvasRenderingContext2D, row: MapRow): void {
    const { palette } = this.theme;
    context.fillStyle = palette.faint;
    context.font = "11px system-ui, sans-serif";
    context.fillText(`${row.count.toLocaleString("en")} pages never touched`, gutter, row.y + 11);
    context.strokeStyle = palette.line;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(4, row.y + 7.5);
    context.lineTo(gutter - 8, row.y + 7.5);
    context.stroke();
    context.setLineDash([]);
  }

  #drawCells(
    context: CanvasRenderingContext2D,
    mm: Mm,
    row: MapRow,
    above: MapRow | undefined,
  ): void {
    const { cell } = this.#map;
    const { view } = this;
    const { stamps } = this.theme;
    const { state } = view;
    const sharing = view.sharing();
    const differences = view.comparison()?.[this.side];
    const changed = view.changed();
    const { vma } = row;
    if (
      cell >= 10 ||
      above?.kind !== "cells" ||
      ((row.first - vma.page) / this.#map.perRow) % Math.ceil(14 / cell) === 0
    ) {
      context.fillStyle = stamps.palette.faint;
      context.font = `${Math.min(11, Math.max(9, cell))}px ui-monospace, 'DejaVu Sans Mono', monospace`;
      context.textAlign = "right";
      context.fillText(
        (row.first * pageBytes).toString(16),
        gutter - 8,
        row.y + Math.min(cell - 1, 11),
      );
      context.textAlign = "left";
    }
    const shared = (vma.flags & vmas.shared) !== 0;
    let run = { kind: PageClass.none, first: 0, count: 0 };
    const flush = () => {
      if (run.count === 0) return;
      stamps.draw(
        context,
        pageLooks[run.kind],
        gutter + run.first * cell,
        row.y,
        cell,
        run.count,
      );
    };
    const differing: (readonly [x: number, difference: Difference])[] = [];
    const changedAt: number[] = [];
    let table: Table | undefined;
    for (let i = 0; i < row.count; ++i) {
      const page = row.first + i;
      const index = page % entriesPerTable;
      if (i === 0 || index === 0) table = leafTable(state, mm, page);
      const flags = table?.words[2 * index] ?? 0;
      const kind =
        table === undefined
          ? PageClass.none
          : classify(state, sharing, shared, table.frame, flags, table.words[2 * index + 1]!);
      if (run.kind === kind && run.count > 0) {
        ++run.count;
      } else {
        flush();
        run = { kind, first: i, count: 1 };
      }
      this.counts[kind]!++;
      const x = gutter + i * cell;
      const difference = differences?.get(page);
      if (difference !== undefined) differing.push([x, difference]);
      if (flags !== 0 && hasChanged(changed, table!.frame, index)) changedAt.push(x);
    }
    flush();
    for (const [x, difference] of differing) this.#drawDifference(context, difference, x, row.y);
    this.markChanged(context, stamps.palette.alert, cell, changedAt, row.y);
    this.drawn += row.count;
  }

  // A bar below the cell: full width for another frame, half for other rights or a page on one side.
  #drawDifference(
    context: CanvasRenderingContext2D,
    difference: Difference,
    x: number,
    y: number,
  ): void {
    const { cell } = this.#map;
    const thick = cell >= 10 ? 3 : 1.5;
    context.fillStyle = this.theme.palette.ink;
    const width = difference === Difference.frame ? cell - 1 : (cell - 1) / 2;
    context.fillRect(x, y + cell - 1 - thick, width, thick);
  }

  #drawSelection(context: CanvasRenderingContext2D, mm: Mm): void {
    const { selection } = this.view;
    if (selection?.kind !== "page" || selection.mm !== mm.id) return;
    const rect = this.rectOf(selection.page);
    if (rect === undefined) return;
    context.strokeStyle = this.theme.palette.ink;
    context.lineWidth = 2;
    context.strokeRect(rect.x - 1.5, rect.y - 1.5, rect.width + 3, rect.height + 3);
  }

  #select(page: number | undefined): void {
    const { mm } = this;
    if (mm === undefined || page === undefined) return;
    this.view.select({ kind: "page", mm: mm.id, page });
    const rect = this.rectOf(page);
    if (rect !== undefined) this.reveal(rect);
  }

  #hover(event: MouseEvent): void {
    const { x, y } = this.point(event);
    const page = pageAt(this.#map, x, y);
    this.canvas.style.cursor = page === undefined ? "default" : "pointer";
    const vma = this.#map.rows[rowAt(this.#map.rows, y)]?.vma;
    const address = page === undefined ? [] : [`0x${(page * pageBytes).toString(16)}`];
    const title = vma === undefined ? address : [...address, ...this.#hint(vma)];
    this.canvas.title = title.join("\n");
  }

  #hint(vma: Vma): string[] {
    const path = this.view.pathOf(vma);
    return [
      path === "" ? vmas.title(vma) : path,
      `${vmas.range(vma)} ${vmas.permissions(vma)}`,
      vmas.advice(vma),
    ].filter((line) => line !== "");
  }

  #key(event: KeyboardEvent): void {
    const { mm } = this;
    if (mm === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const { selection } = this.view;
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -this.#map.perRow,
      ArrowDown: this.#map.perRow,
    };
    const by = steps[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const at = selection?.kind === "page" && selection.mm === mm.id ? selection.page : undefined;
    this.#select(at === undefined ? this.#firstPage(mm) : this.#neighbour(mm, at, by));
  }

  #firstPage(mm: Mm): number | undefined {
    return this.#map.rows.find((row) => row.kind === "cells")?.vma.page ?? mm.vmas[0]?.page;
  }

  // The page `by` pages on; from one mapping's end into the next one.
  #neighbour(mm: Mm, page: number, by: number): number {
    if (vmas.find(mm.vmas, page + by) !== undefined) return page + by;
    const at = mm.vmas.findIndex((vma) => page >= vma.page && page < vma.page + vma.pages);
    const next = mm.vmas[at + Math.sign(by)];
    if (next === undefined) return page;
    return by > 0 ? next.page : next.page + next.pages - 1;
  }
}
