// SPDX-License-Identifier: Apache-2.0
//
// Physical memory: a cell for each frame.
import { frameAt, gutter, layOutFrames, rectOf } from "../layout/frame_grid.js";
import type { FrameGrid, FrameRow } from "../layout/frame_grid.js";
import type { Rect } from "../layout/rows.js";
import { rowAt } from "../layout/rows.js";
import { classifyFrame, FrameClass, frameClasses } from "../model/frames.js";
import { mappersOf } from "../model/sharing.js";
import { FrameKind } from "../model/state.js";
import { frameLooks } from "../paint/looks.js";
import type { Look } from "../paint/looks.js";
import { CanvasPanel } from "./canvas_panel.js";
import { setText } from "./dom.js";
import type { FrameColours } from "./frame_colours.js";
import type { Theme } from "./theme.js";
import type { View } from "./view.js";

export class FramePanel extends CanvasPanel {
  #grid: FrameGrid = { rows: [], height: 0, cell: 10, perRow: 32 };
  #laidOutFor = "";
  #sortedOut: { readonly used: Uint8Array; readonly steps: number } | undefined;
  #used = new Uint32Array(0); // frames that are ever used
  readonly #reserved = new WeakMap<FrameRow, number>();
  #neverUsed = { free: 0, reserved: 0 };
  counts: number[] = [];

  constructor(
    scroller: HTMLElement,
    private readonly note: HTMLElement,
    private readonly view: View,
    private readonly theme: Theme,
    private readonly colours: FrameColours,
    requestPaint: () => void,
  ) {
    super(scroller, requestPaint);
    this.canvas.addEventListener("click", (event) => {
      const { x, y } = this.point(event);
      const frame = frameAt(this.#grid, x, y);
      if (frame !== undefined) this.#select(frame);
    });
    this.canvas.addEventListener("mousemove", (event) => {
      const { x, y } = this.point(event);
      const frame = frameAt(this.#grid, x, y);
      this.canvas.style.cursor = frame === undefined ? "default" : "pointer";
      this.canvas.title = frame === undefined ? "" : this.#describe(frame);
    });
    scroller.addEventListener("keydown", (event) => this.#key(event));
  }

  // A frame that is mapped is selected by its first mapping, so that its whole way shows.
  #select(frame: number): void {
    const { state } = this.view;
    const mapper =
      state.frameKind[frame] === FrameKind.zero ? undefined : mappersOf(state, frame)[0];
    this.view.select(
      mapper === undefined
        ? { kind: "frame", frame }
        : { kind: "page", mm: mapper.mm.id, page: mapper.page },
    );
  }

  #describe(frame: number): string {
    const { state } = this.view;
    const look = frameLooks[classifyFrame(state, this.view.sharing(), frame)];
    const owners = this.colours.ownersOf(frame);
    return [`frame 0x${frame.toString(16)}: ${look.meaning}`, owners]
      .filter((line) => line !== "")
      .join("\n");
  }

  rectOf(frame: number): Rect | undefined {
    return rectOf(this.#grid, frame);
  }

  protected override layOut(): number {
    const { history } = this.view.recording;
    if (history === undefined) return 0;
    const key = `${this.width} ${this.height} ${history.steps}`;
    if (key !== this.#laidOutFor) {
      this.#grid = layOutFrames(history.used, this.width, this.height);
      this.#laidOutFor = key;
    }
    const { used, steps } = history;
    if (this.#sortedOut?.used !== used || this.#sortedOut.steps !== steps) {
      this.#sortedOut = { used, steps };
      this.#sortOut(used);
    }
    this.#count();
    return this.#grid.height;
  }

  // The frames to count at every step, and the count of the others, which nothing changes.
  #sortOut(used: Uint8Array): void {
    const { frameKind } = this.view.state;
    const list: number[] = [];
    this.#neverUsed = { free: 0, reserved: 0 };
    used.forEach((ever, frame) => {
      if (ever !== 0) list.push(frame);
      else if (frameKind[frame] === FrameKind.reserved) ++this.#neverUsed.reserved;
      else ++this.#neverUsed.free;
    });
    this.#used = Uint32Array.from(list);
  }

  // All frames, not only those on show.
  #count(): void {
    const { state } = this.view;
    const sharing = this.view.sharing();
    const counts = new Array<number>(frameClasses).fill(0);
    for (const frame of this.#used) counts[classifyFrame(state, sharing, frame)]!++;
    counts[FrameClass.free]! += this.#neverUsed.free;
    counts[FrameClass.reserved]! += this.#neverUsed.reserved;
    this.counts = counts;
    const free = counts[0]!;
    const used = state.frames - free - counts[1]!;
    const text = `${used.toLocaleString("en")} in use, ${free.toLocaleString("en")} free`;
    setText(this.note, `${used.toLocaleString("en")} used`);
    this.note.title = text;
    this.scroller.setAttribute(
      "aria-label",
      `Physical memory: ${text}. Arrow keys select a frame.`,
    );
  }

  protected override draw(context: CanvasRenderingContext2D, from: number, to: number): void {
    const { rows } = this.#grid;
    if (!this.view.ready) return;
    for (let i = rowAt(rows, from); i < rows.length && rows[i]!.y < to; ++i) {
      const row = rows[i]!;
      if (row.kind === "gap") this.#drawGap(context, row);
      else this.#drawCells(context, row, rows[i - 1]);
    }
    const selected = this.view.selectedFrame();
    const rect = selected === undefined ? undefined : this.rectOf(selected);
    if (rect !== undefined) {
      context.strokeStyle = this.theme.palette.ink;
      context.lineWidth = 2;
      context.strokeRect(rect.x - 1.5, rect.y - 1.5, rect.width + 3, rect.height + 3);
    }
  }

  #drawGap(context: CanvasRenderingContext2D, row: FrameRow): void {
    const reserved = this.#reservedIn(row);
    const parts: string[] = [];
    if (reserved > 0) parts.push(`${reserved.toLocaleString("en")} reserved at boot`);
    if (row.count > reserved)
      parts.push(`${(row.count - reserved).toLocaleString("en")} never used`);
    context.fillStyle = this.theme.palette.faint;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "left";
    context.fillText(`${parts.join(", ")}`, gutter, row.y + 12);
    this.#label(context, row, 12);
  }

  // Of a row whose frames are never used: it stays as it is.
  #reservedIn(row: FrameRow): number {
    let reserved = this.#reserved.get(row);
    if (reserved === undefined) {
      const kinds = this.view.state.frameKind.subarray(row.first, row.first + row.count);
      reserved = kinds.reduce((sum, kind) => sum + (kind === FrameKind.reserved ? 1 : 0), 0);
      this.#reserved.set(row, reserved);
    }
    return reserved;
  }

  #label(context: CanvasRenderingContext2D, row: FrameRow, below: number): void {
    context.fillStyle = this.theme.palette.faint;
    context.font = "10px ui-monospace, 'DejaVu Sans Mono', monospace";
    context.textAlign = "right";
    context.fillText(row.first.toString(16), gutter - 6, row.y + below);
    context.textAlign = "left";
  }

  // A label stands where rows leave room for it, and below a gap if the next one leaves it.
  #hasLabel(row: FrameRow, above: FrameRow | undefined): boolean {
    const { cell, perRow } = this.#grid;
    const every = cell >= 10 ? 1 : Math.ceil(12 / cell);
    const into = (row.first / perRow) % every;
    return into === 0 || (above?.kind !== "cells" && (every - into) * cell >= 12);
  }

  #drawCells(context: CanvasRenderingContext2D, row: FrameRow, above: FrameRow | undefined): void {
    const { cell } = this.#grid;
    const { stamps } = this.theme;
    const { frames: changed } = this.view.changed();
    if (this.#hasLabel(row, above)) this.#label(context, row, Math.min(9, cell));
    let next: Look | undefined = this.colours.lookOf(row.first);
    for (let i = 0; i < row.count; ) {
      const look: Look = next!;
      const first = i;
      do {
        next = ++i < row.count ? this.colours.lookOf(row.first + i) : undefined;
      } while (next === look);
      stamps.draw(context, look, gutter + first * cell, row.y, cell, i - first);
    }
    this.#dim(context, row);
    this.drawn += row.count;
    const changedAt: number[] = [];
    for (let i = 0; changed.size > 0 && i < row.count; ++i)
      if (changed.has(row.first + i)) changedAt.push(gutter + i * cell);
    this.markChanged(context, stamps.palette.alert, cell, changedAt, row.y);
  }

  // Takes the colour from what is not of the process that stands out.
  #dim(context: CanvasRenderingContext2D, row: FrameRow): void {
    const lit = this.view.lit();
    if (lit === undefined) return;
    const { cell } = this.#grid;
    context.fillStyle = this.theme.palette.panel;
    context.globalAlpha = 0.82;
    for (let i = 0; i < row.count; ) {
      if (lit[row.first + i] !== 0) {
        ++i;
        continue;
      }
      const first = i;
      while (i < row.count && lit[row.first + i] === 0) ++i;
      context.fillRect(gutter + first * cell, row.y, (i - first) * cell, cell);
    }
    context.globalAlpha = 1;
  }

  #key(event: KeyboardEvent): void {
    if (!this.view.ready || event.ctrlKey || event.altKey || event.metaKey) return;
    const { perRow } = this.#grid;
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -perRow,
      ArrowDown: perRow,
    };
    const by = steps[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const first = this.#grid.rows.find((row) => row.kind === "cells")?.first ?? 0;
    const at = this.view.selectedFrame();
    const wanted =
      at === undefined ? first : Math.max(0, Math.min(this.view.state.frames - 1, at + by));
    this.#select(wanted);
    const rect = this.rectOf(wanted);
    if (rect !== undefined) this.reveal(rect);
  }
}
