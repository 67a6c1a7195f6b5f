// SPDX-License-Identifier: Apache-2.0
//
// Physical memory: a cell for each frame.
import { frameAt, gutter, layOutFrames, rectOf } from "../layout/frame_grid.js";
import type { FrameGrid, FrameRow } from "../layout/frame_grid.js";
import type { Rect } from "../layout/rows.js";
import { rowAt } from "../layout/rows.js";
import { classifyFrame, frameClasses } from "../model/frames.js";
import { mappersOf } from "../model/sharing.js";
import { FrameKind } from "../model/state.js";
import { frameLooks } from "../paint/looks.js";
import { CanvasPanel } from "./canvas_panel.js";
import { setText } from "./dom.js";
import type { Theme } from "./theme.js";
import type { View } from "./view.js";

export class FramePanel extends CanvasPanel {
  #grid: FrameGrid = { rows: [], height: 0, cell: 10, perRow: 32 };
  #laidOutFor = "";
  counts: number[] = [];

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
    const mapper = state.frameKind[frame] === FrameKind.zero ? undefined : mappersOf(state, frame)[0];
    this.view.select(
      mapper === undefined
        ? { kind: "frame", frame }
        : { kind: "page", mm: mapper.mm.id, page: mapper.page },
    );
  }

  #describe(frame: number): string {
    const { state } = this.view;
    const look = frameLooks[classifyFrame(state, this.view.sharing(), frame)];
    return `frame 0x${frame.toString(16)}: ${look.name}`;
  }

  rectOf(frame: number): Rect | undefined {
    return rectOf(this.#grid, frame);
  }

  protected override layOut(): number {
    const { history } = this.view.recording;
    if (history === undefined) return 0;
    const key = `${this.width} ${history.steps}`;
    if (key !== this.#laidOutFor) {
      this.#grid = layOutFrames(history.used, this.width);
      this.#laidOutFor = key;
    }
    this.#count();
    return this.#grid.height;
  }

  // All frames, not only those on show.
  #count(): void {
    const { state } = this.view;
    const sharing = this.view.sharing();
    const counts = new Array<number>(frameClasses).fill(0);
    for (let frame = 0; frame < state.frames; ++frame) {
      const kind = classifyFrame(state, sharing, frame);
      counts[kind]!++;
    }
    this.counts = counts;
    const free = counts[0]!;
    const used = state.frames - free - counts[1]!;
    const text = `${used.toLocaleString("en")} in use, ${free.toLocaleString("en")} free`;
    setText(this.note, text);
    this.scroller.setAttribute("aria-label", `Physical memory: ${text}. Arrow keys select a frame.`);
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
    const { state } = this.view;
    let reserved = 0;
    for (let frame = row.first; frame < row.first + row.count; ++frame) {
      if (state.frameKind[frame] === FrameKind.reserved) ++reserved;
    }
    const parts: string[] = [];
    if (reserved > 0) parts.push(`${reserved.toLocaleString("en")} reserved at boot`);
    if (row.count > reserved) parts.push(`${(row.count - reserved).toLocaleString("en")} never used`);
    context.fillStyle = this.theme.palette.faint;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "left";
    context.fillText(`${parts.join(", ")}`, gutter, row.y + 12);
    this.#label(context, row, 12);
  }

  #label(context: CanvasRenderingContext2D, row: FrameRow, below: number): void {
    context.fillStyle = this.theme.palette.faint;
    context.font = "10px ui-monospace, 'DejaVu Sans Mono', monospace";
    context.textAlign = "right";
    context.fillText(row.first.toString(16), gutter - 6, row.y + below);
    context.textAlign = "left";
  }

  #drawCells(context: CanvasRenderingContext2D, row: FrameRow, above: FrameRow | undefined): void {
    const { cell } = this.#grid;
    const { view, theme } = this;
    const sharing = view.sharing();
    const { frames: changed } = view.changed();
    if (cell >= 10 || above?.kind !== "cells" || (row.first / this.#grid.perRow) % Math.ceil(12 / cell) === 0) {
      this.#label(context, row, Math.min(9, cell));
    }
    for (let i = 0; i < row.count; ++i) {
      const frame = row.first + i;
      const kind = classifyFrame(view.state, sharing, frame);
      const x = gutter + i * cell;
      theme.stamps.draw(context, frameLooks[kind], x, row.y, cell - 1);
      ++this.drawn;
      if (changed.has(frame)) {
        context.strokeStyle = theme.palette.alert;
        context.lineWidth = cell >= 10 ? 2 : 1;
        context.strokeRect(x + 0.5, row.y + 0.5, cell - 2, cell - 2);
      }
    }
  }

  #key(event: KeyboardEvent): void {
    if (!this.view.ready || event.ctrlKey || event.altKey || event.metaKey) return;
    const { perRow } = this.#grid;
    const steps: Record<string, number> = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow,
    };
    const by = steps[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const first = this.#grid.rows.find((row) => row.kind === "cells")?.first ?? 0;
    const at = this.view.selectedFrame();
    const wanted = at === undefined ? first : Math.max(0, Math.min(this.view.state.frames - 1, at + by));
    this.#select(wanted);
    const rect = this.rectOf(wanted);
    if (rect !== undefined) this.reveal(rect);
  }
}
