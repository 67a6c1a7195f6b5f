// SPDX-License-Identifier: Apache-2.0
//
// The lines over everything: from the selected page to the table with its entry, on to its frame,
// and from the frame to everyone else who maps it.
import type { Rect } from "../layout/rows.js";
import type { Mapper } from "../model/sharing.js";
import { walk } from "../model/walk.js";
import type { AddressPanel } from "./address_panel.js";
import type { CanvasPanel } from "./canvas_panel.js";
import type { FramePanel } from "./frame_panel.js";
import type { TablePanel } from "./table_panel.js";
import type { TaskPanel } from "./task_panel.js";
import type { View } from "./view.js";

const namespace = "http://www.w3.org/2000/svg";
const maxLines = 40;

interface Ends {
  readonly rect: Rect;
  readonly visible: boolean;
}

export class Links {
  drawn = 0;

  constructor(
    private readonly svg: SVGSVGElement,
    private readonly view: View,
    private readonly sides: readonly AddressPanel[],
    private readonly frames: FramePanel,
    private readonly tables: TablePanel,
    private readonly tasks: TaskPanel,
  ) {}

  paint(mappers: readonly Mapper[]): void {
    this.svg.replaceChildren();
    this.drawn = 0;
    const { view } = this;
    if (!view.ready) return;
    const frame = view.selectedFrame();
    const frameEnd = frame === undefined ? undefined : ends(this.frames, this.frames.rectOf(frame));
    const { selection } = view;
    if (selection?.kind === "page") {
      const mm = view.state.mms.get(selection.mm);
      const from = this.#pageEnd(selection.mm, selection.page);
      const leaf =
        mm &&
        walk(view.state, mm, selection.page).find((hop) => hop.table.level === 1)?.table.frame;
      const table = leaf === undefined ? undefined : ends(this.tables, this.tables.rectOf(leaf));
      if (table !== undefined && from !== undefined) this.#line(from, table, "way");
      if (table !== undefined && frameEnd !== undefined) this.#line(table, frameEnd, "way");
      else if (from !== undefined && frameEnd !== undefined) this.#line(from, frameEnd, "way");
    }
    if (frameEnd === undefined) return;
    const seen = new Set<string>();
    for (const mapper of mappers) {
      if (
        selection?.kind === "page" &&
        mapper.mm.id === selection.mm &&
        mapper.page === selection.page
      )
        continue;
      if (this.drawn >= maxLines) break;
      const page = this.#pageEnd(mapper.mm.id, mapper.page);
      const key = page === undefined ? `mm ${mapper.mm.id}` : `${mapper.mm.id} ${mapper.page}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const other = page ?? this.#taskEnd(mapper.mm.id);
      if (other !== undefined) this.#line(other, frameEnd, "other");
    }
  }

  #pageEnd(mm: number, page: number): Ends | undefined {
    for (const side of this.sides) {
      if (side.mm?.id === mm) return ends(side, side.rectOf(page));
    }
    return undefined;
  }

  #taskEnd(mm: number): Ends | undefined {
    const box = this.tasks.rowOfMm(mm)?.getBoundingClientRect();
    if (box === undefined) return undefined;
    return {
      rect: { x: box.left, y: box.top, width: box.width, height: box.height },
      visible: true,
    };
  }

  #line(from: Ends, to: Ends, kind: "way" | "other"): void {
    const a = middle(from.rect);
    const b = middle(to.rect);
    // Leave and arrive at the sides that face each other.
    const leftward = b.x < a.x;
    const x1 = leftward ? from.rect.x : from.rect.x + from.rect.width;
    const x2 = leftward ? to.rect.x + to.rect.width : to.rect.x;
    const bend = Math.max(24, Math.abs(x2 - x1) * 0.45) * (leftward ? -1 : 1);
    const path = document.createElementNS(namespace, "path");
    path.setAttribute("d", `M${x1},${a.y} C${x1 + bend},${a.y} ${x2 - bend},${b.y} ${x2},${b.y}`);
    path.setAttribute("class", `${kind}${from.visible && to.visible ? "" : " hidden-end"}`);
    this.svg.append(path);
    for (const [end, x, y] of [
      [from, x1, a.y],
      [to, x2, b.y],
    ] as const) {
      if (!end.visible) continue;
      const dot = document.createElementNS(namespace, "circle");
      dot.setAttribute("cx", String(x));
      dot.setAttribute("cy", String(y));
      dot.setAttribute("r", "3");
      dot.setAttribute("class", kind);
      this.svg.append(dot);
    }
    ++this.drawn;
  }
}

function ends(panel: CanvasPanel, rect: Rect | undefined): Ends | undefined {
  return rect === undefined ? undefined : panel.onScreen(rect);
}

function middle(rect: Rect): { x: number; y: number } {
  return { x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 };
}
