// SPDX-License-Identifier: Apache-2.0
//
// Cells drawn once for each look and size, to be stamped many times.
import type { ColourName, Look, Mark, Palette } from "./looks.js";

type Context = CanvasRenderingContext2D;

export class Stamps {
  #made = new Map<string, HTMLCanvasElement>();

  constructor(
    readonly palette: Palette,
    readonly scale: number, // device pixels per CSS pixel
  ) {}

  // Draws a cell of `size` CSS pixels at (x, y).
  draw(context: Context, look: Look, x: number, y: number, size: number): void {
    const stamp = this.#stamp(look, size);
    context.drawImage(stamp, x, y, size, size);
  }

  #stamp(look: Look, size: number): HTMLCanvasElement {
    const key = `${look.colour} ${look.mark} ${size}`;
    let canvas = this.#made.get(key);
    if (canvas === undefined) {
      canvas = document.createElement("canvas");
      canvas.width = canvas.height = Math.ceil(size * this.scale);
      const context = canvas.getContext("2d")!;
      context.scale(this.scale, this.scale);
      paintMark(context, look.mark, this.palette, look.colour, size);
      this.#made.set(key, canvas);
    }
    return canvas;
  }
}

function paintMark(context: Context, mark: Mark, palette: Palette, name: ColourName, size: number): void {
  const colour = palette[name];
  const inside = palette.panel;
  context.fillStyle = colour;
  context.strokeStyle = colour;
  const outline = () => {
    context.lineWidth = 1;
    context.strokeRect(0.5, 0.5, size - 1, size - 1);
  };
  const fill = () => context.fillRect(0, 0, size, size);
  switch (mark) {
    case "empty":
    case "outline":
      outline();
      break;
    case "plain":
      fill();
      break;
    case "hatch":
      fill();
      diagonals(context, inside, size, 1);
      break;
    case "cross-hatch":
      fill();
      diagonals(context, inside, size, 1);
      diagonals(context, inside, size, -1);
      break;
    case "dot":
      fill();
      context.fillStyle = inside;
      disc(context, size, Math.max(1, size * 0.22));
      break;
    case "corner":
      fill();
      context.fillStyle = inside;
      triangle(context, size);
      break;
    case "bars":
      fill();
      context.fillStyle = inside;
      for (let y = 2; y < size; y += 3) context.fillRect(0, y, size, 1);
      break;
    case "ring":
      context.lineWidth = Math.max(1, size / 8);
      context.beginPath();
      context.arc(size / 2, size / 2, size / 2 - context.lineWidth, 0, 2 * Math.PI);
      context.stroke();
      break;
    case "cross":
      outline();
      context.beginPath();
      context.moveTo(1, 1);
      context.lineTo(size - 1, size - 1);
      context.moveTo(size - 1, 1);
      context.lineTo(1, size - 1);
      context.stroke();
      break;
    case "grid":
      fill();
      context.fillStyle = inside;
      context.fillRect(size / 2 - 0.5, 1, 1, size - 2);
      context.fillRect(1, size / 2 - 0.5, size - 2, 1);
      break;
  }
}

function diagonals(context: Context, colour: string, size: number, slope: 1 | -1): void {
  context.save();
  context.beginPath();
  context.rect(0, 0, size, size);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = size > 8 ? 1.4 : 0.9;
  context.beginPath();
  const distance = size > 8 ? 5 : 4;
  for (let at = -size; at <= size; at += distance) {
    context.moveTo(slope === 1 ? at : size - at, size);
    context.lineTo(slope === 1 ? at + size : -at, 0);
  }
  context.stroke();
  context.restore();
}

function disc(context: Context, size: number, radius: number): void {
  context.beginPath();
  context.arc(size / 2, size / 2, radius, 0, 2 * Math.PI);
  context.fill();
}

function triangle(context: Context, size: number): void {
  context.beginPath();
  context.moveTo(size, 0);
  context.lineTo(size, size * 0.55);
  context.lineTo(size * 0.45, 0);
  context.fill();
}
