// SPDX-License-Identifier: Apache-2.0
//
// All steps from left to right, a lane for each sort of event, findings on top. It is the scrubber
// too: click, drag, or the keys of a slider.
import type { Group } from "../model/story.js";
import { groups } from "../model/story.js";
import type { ColourName } from "../paint/looks.js";
import { h } from "./dom.js";
import type { Theme } from "./theme.js";
import type { View } from "./view.js";

const labelWidth = 74;
const laneHeight = 12;
const top = 14; // findings
const right = 10;

export const laneLooks: Record<Group, { name: string; colour: ColourName; shape: Shape }> = {
  fork: { name: "fork", colour: "own", shape: "fork" },
  cow: { name: "COW break", colour: "cow", shape: "diamond" },
  fault: { name: "fault", colour: "alone", shape: "tick" },
  exec: { name: "exec", colour: "file", shape: "square" },
  exit: { name: "exit, reap", colour: "alert", shape: "cross" },
  switch: { name: "switch", colour: "shared", shape: "low" },
  call: { name: "system call", colour: "faint", shape: "tick" },
  other: { name: "other", colour: "faint", shape: "low" },
};

type Shape = "fork" | "diamond" | "tick" | "square" | "cross" | "low";

export class TimelinePanel {
  readonly #canvas = h("canvas");
  #width = 0;
  #cache: { key: string; picture: HTMLCanvasElement } | undefined;
  drawn = 0;

  constructor(
    private readonly box: HTMLElement,
    private readonly view: View,
    private readonly theme: Theme,
    requestPaint: () => void,
  ) {
    box.append(this.#canvas);
    new ResizeObserver(() => requestPaint()).observe(box);
    const move = (event: PointerEvent) => this.#scrub(event);
    box.addEventListener("pointerdown", (event) => {
      box.setPointerCapture(event.pointerId);
      this.#scrub(event);
      box.addEventListener("pointermove", move);
    });
    const release = () => box.removeEventListener("pointermove", move);
    box.addEventListener("pointerup", release);
    box.addEventListener("pointercancel", release);
  }

  static readonly height = top + groups.length * laneHeight + 6;

  #x(position: number): number {
    const { steps } = this.view;
    const room = this.#width - labelWidth - right;
    return labelWidth + (steps === 0 ? 0 : (position / steps) * room);
  }

  #scrub(event: PointerEvent): void {
    const { view } = this;
    const room = this.#width - labelWidth - right;
    const x = event.clientX - this.#canvas.getBoundingClientRect().left - labelWidth;
    view.playing = false;
    view.seek(Math.round(Math.max(0, Math.min(1, x / room)) * view.steps));
  }

  // Before anything paints, as CanvasPanel.measure.
  measure(): void {
    this.#width = this.box.clientWidth;
  }

  paint(): void {
    const { view } = this;
    const { height } = TimelinePanel;
    const scale = window.devicePixelRatio;
    if (this.#width === 0) return;
    const pixels = Math.round(this.#width * scale);
    if (this.#canvas.width !== pixels || this.#canvas.height !== Math.round(height * scale)) {
      this.#canvas.width = pixels;
      this.#canvas.height = Math.round(height * scale);
      this.#canvas.style.width = `${this.#width}px`;
      this.#canvas.style.height = `${height}px`;
    }
    const context = this.#canvas.getContext("2d", { willReadFrequently: true })!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.drawImage(this.#lanes(scale), 0, 0);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    this.#drawCursor(context);
    this.box.setAttribute("aria-valuemin", "0");
    this.box.setAttribute("aria-valuemax", String(view.steps));
    this.box.setAttribute("aria-valuenow", String(view.position));
    const headline = view.step === undefined ? undefined : view.story.headline(view.step);
    const words = headline === undefined ? "" : `: ${view.story.describe(headline)}`;
    this.box.setAttribute("aria-valuetext", `step ${view.position} of ${view.steps}${words}`);
  }

  // Everything but the cursor: drawn anew only when there is more, or another size or scheme.
  #lanes(scale: number): HTMLCanvasElement {
    const { view, theme } = this;
    const { events, findings } = view.recording;
    const key = [
      this.#width,
      scale,
      theme.scheme,
      events.length,
      view.steps,
      findings.length,
    ].join();
    if (this.#cache?.key === key) return this.#cache.picture;
    const picture = document.createElement("canvas");
    picture.width = Math.round(this.#width * scale);
    picture.height = Math.round(TimelinePanel.height * scale);
    const context = picture.getContext("2d")!;
    context.scale(scale, scale);
    const { palette } = theme;
    context.font = "11px system-ui, sans-serif";
    groups.forEach((group, lane) => {
      const y = top + lane * laneHeight;
      context.fillStyle = palette.faint;
      context.textAlign = "right";
      context.fillText(laneLooks[group].name, labelWidth - 8, y + 9.5);
      context.fillStyle = palette.line;
      context.fillRect(labelWidth, y + laneHeight - 0.5, this.#width - labelWidth - right, 0.5);
    });
    context.textAlign = "left";
    this.#drawEvents(context);
    for (const finding of findings) this.#drawFinding(context, this.#x(finding.step + 1));
    this.#cache = { key, picture };
    return picture;
  }

  #drawEvents(context: CanvasRenderingContext2D): void {
    const { view, theme } = this;
    const { events } = view.recording;
    const dense = events.length > this.#width;
    const last = new Map<Group, number>();
    this.drawn = 0;
    for (const event of events) {
      const kind = view.story.kind(event);
      if (kind === "fork-phase") continue;
      const group = view.story.group(event);
      const x = this.#x(event.step + 1);
      // Closer than a pixel to the one before it in its lane: nothing more to see.
      if (x - (last.get(group) ?? -9) < 0.7) continue;
      last.set(group, x);
      const { colour, shape } = laneLooks[group];
      context.fillStyle = context.strokeStyle = theme.palette[colour];
      drawShape(
        context,
        dense && shape !== "fork" ? "tick" : shape,
        x,
        top + groups.indexOf(group) * laneHeight,
      );
      ++this.drawn;
    }
  }

  #drawFinding(context: CanvasRenderingContext2D, x: number): void {
    const { palette } = this.theme;
    context.fillStyle = palette.alert;
    context.fillRect(x - 0.75, 6, 1.5, TimelinePanel.height - 8);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x + 6, 6);
    context.lineTo(x, 12);
    context.lineTo(x - 6, 6);
    context.fill();
    context.fillStyle = palette.panel;
    context.font = "700 9px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText("!", x, 9.5);
    context.textAlign = "left";
  }

  #drawCursor(context: CanvasRenderingContext2D): void {
    const { palette } = this.theme;
    const x = this.#x(this.view.position);
    context.fillStyle = palette.ink;
    context.fillRect(x - 1, 4, 2, TimelinePanel.height - 6);
    context.beginPath();
    context.moveTo(x - 6, 0);
    context.lineTo(x + 6, 0);
    context.lineTo(x, 8);
    context.fill();
  }
}

function drawShape(context: CanvasRenderingContext2D, shape: Shape, x: number, y: number): void {
  const middle = y + laneHeight / 2 - 0.5;
  context.lineWidth = 1.6;
  context.beginPath();
  switch (shape) {
    case "tick":
      context.fillRect(x - 0.75, y + 2, 1.5, laneHeight - 4);
      return;
    case "low":
      context.fillRect(x - 1, middle, 2, laneHeight / 2 - 1.5);
      return;
    case "square":
      context.fillRect(x - 3.5, middle - 3.5, 7, 7);
      return;
    case "diamond":
      context.moveTo(x, middle - 4.5);
      context.lineTo(x + 4, middle);
      context.lineTo(x, middle + 4.5);
      context.lineTo(x - 4, middle);
      context.fill();
      return;
    case "fork":
      context.moveTo(x - 4, middle);
      context.lineTo(x, middle);
      context.lineTo(x + 4, middle - 4);
      context.moveTo(x, middle);
      context.lineTo(x + 4, middle + 4);
      context.stroke();
      return;
    case "cross":
      context.moveTo(x - 3.5, middle - 3.5);
      context.lineTo(x + 3.5, middle + 3.5);
      context.moveTo(x + 3.5, middle - 3.5);
      context.lineTo(x - 3.5, middle + 3.5);
      context.stroke();
  }
}
