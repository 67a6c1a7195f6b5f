// SPDX-License-Identifier: Apache-2.0
//
// A picture taller than its window: a scrolling element with a canvas of the window's size that
// stays in place, and an invisible block that is as tall as the picture. Only what shows is drawn.
import type { Rect } from "../layout/rows.js";
import { h } from "./dom.js";

export abstract class CanvasPanel {
  readonly canvas = h("canvas");
  readonly #tall = h("div", { class: "tall" });
  protected width = 0;
  protected height = 0; // of the window
  #top = 0; // of the window in the picture
  #scale = 1;
  // Cells drawn last time, for tests.
  drawn = 0;

  constructor(
    readonly scroller: HTMLElement,
    private readonly requestPaint: () => void,
  ) {
    scroller.append(this.canvas, this.#tall);
    scroller.addEventListener("scroll", () => requestPaint(), { passive: true });
    new ResizeObserver(() => requestPaint()).observe(scroller);
  }

  // Where the browser has put the panel. Every panel is measured before one of them paints: asking
  // after a change makes the browser lay out the whole page, once for each question.
  measure(): void {
    this.width = this.scroller.clientWidth;
    this.height = this.scroller.clientHeight;
    this.#top = this.scroller.scrollTop;
    this.#scale = window.devicePixelRatio;
  }

  // Lays out and draws, if there is room to draw in.
  paint(): void {
    if (this.width === 0 || this.height === 0) return;
    const total = Math.max(this.height, Math.ceil(this.layOut()));
    const wanted = `${total - this.height}px`;
    if (this.#tall.style.height !== wanted) this.#tall.style.height = wanted;
    const pixelWidth = Math.round(this.width * this.#scale);
    const pixelHeight = Math.round(this.height * this.#scale);
    if (this.canvas.width !== pixelWidth || this.canvas.height !== pixelHeight) {
      this.canvas.width = pixelWidth;
      this.canvas.height = pixelHeight;
      this.canvas.style.width = `${this.width}px`;
      this.canvas.style.height = `${this.height}px`;
    }
    const context = this.canvas.getContext("2d", { willReadFrequently: true })!;
    context.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const top = Math.min(this.#top, total - this.height);
    context.translate(0, -top);
    this.drawn = 0;
    this.draw(context, top, top + this.height);
  }

  // Prepares a picture of this.width; returns its height.
  protected abstract layOut(): number;
  // Draws what lies between two heights of the picture.
  protected abstract draw(context: CanvasRenderingContext2D, from: number, to: number): void;

  // Frames around cells of a row that the current step changed, drawn at once: a fork changes many.
  protected markChanged(
    context: CanvasRenderingContext2D,
    colour: string,
    cell: number,
    places: readonly number[],
    y: number,
  ): void {
    if (places.length === 0) return;
    context.strokeStyle = colour;
    context.lineWidth = cell >= 10 ? 2 : 1;
    context.beginPath();
    for (const x of places) context.rect(x + 0.5, y + 0.5, cell - 2, cell - 2);
    context.stroke();
  }

  // From a mouse event to the picture's coordinates.
  protected point(event: MouseEvent): { x: number; y: number } {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top + this.scroller.scrollTop };
  }

  // Scrolls so that a part of the picture shows.
  reveal(rect: Rect): void {
    const margin = 24;
    const top = this.scroller.scrollTop;
    if (rect.y < top + margin) this.scroller.scrollTop = Math.max(0, rect.y - this.height / 3);
    else if (rect.y + rect.height > top + this.height - margin) {
      this.scroller.scrollTop = rect.y - (this.height * 2) / 3;
    } else return;
    this.requestPaint();
  }

  // Where a part of the picture is on the screen: cut to the window's edge where it is scrolled out.
  onScreen(rect: Rect): { rect: Rect; visible: boolean } {
    const box = this.canvas.getBoundingClientRect();
    const y = rect.y - this.scroller.scrollTop;
    const clipped = Math.max(0, Math.min(this.height - 2, y));
    const visible = y + rect.height > 0 && y < this.height;
    return {
      rect: {
        x: box.left + rect.x,
        y: box.top + clipped,
        width: rect.width,
        height: visible ? Math.min(rect.height, this.height - clipped) : 2,
      },
      visible,
    };
  }
}

// `text`, or as much of its beginning as has room, with an ellipsis.
export function elide(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 0 && context.measureText(`${text.slice(0, end)}\u2026`).width > room) --end;
  return `${text.slice(0, end)}\u2026`;
}
