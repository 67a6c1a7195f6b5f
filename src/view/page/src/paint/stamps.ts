// SPDX-License-Identifier: Apache-2.0
//
// Cells drawn once for each look and size, to be stamped many times. A cell leaves one pixel free on
// its right and below.
import type { ColourName, Look, Mark, Paint, Palette } from "./looks.js";

type Context = CanvasRenderingContext2D;

const stripCells = 32;

export class Stamps {
  #made = new Map<string, HTMLCanvasElement>();

  constructor(
    readonly palette: Palette,
    readonly scale: number, // device pixels per CSS pixel
  ) {}

  // Draws `count` cells in a row from (x, y), `cell` CSS pixels from one to the next: one picture,
  // cut from a strip of them.
  draw(context: Context, look: Look, x: number, y: number, cell: number, count = 1): void {
    const strip = this.#strip(look, cell);
    const pixels = cell * this.scale;
    for (let done = 0; done < count; done += stripCells) {
      const here = Math.min(stripCells, count - done);
      const width = here * cell;
      context.drawImage(strip, 0, 0, here * pixels, pixels, x + done * cell, y, width, cell);
    }
  }

  #strip(look: Look, cell: number): HTMLCanvasElement {
    const paints = look.parts ?? [look];
    const names = paints.map(({ colour, mark }) => `${colour} ${mark}`).join(",");
    const key = `${names} ${look.over ?? ""} ${cell}`;
    let canvas = this.#made.get(key);
    if (canvas === undefined) {
      canvas = document.createElement("canvas");
      canvas.width = Math.ceil(stripCells * cell * this.scale);
      canvas.height = Math.ceil(cell * this.scale);
      const context = canvas.getContext("2d", { willReadFrequently: true })!;
      context.scale(this.scale, this.scale);
      for (let i = 0; i < stripCells; ++i) {
        context.save();
        context.translate(i * cell, 0);
        paintParts(context, paints, this.palette, cell - 1);
        if (look.over !== undefined) paintOver(context, look.over, this.palette, cell - 1);
        context.restore();
      }
      this.#made.set(key, canvas);
    }
    return canvas;
  }
}

// Side by side, each as wide as the others.
function paintParts(
  context: Context,
  paints: readonly Paint[],
  palette: Palette,
  size: number,
): void {
  paints.forEach(({ colour, mark }, i) => {
    context.save();
    context.beginPath();
    context.rect((i * size) / paints.length, 0, size / paints.length, size);
    context.clip();
    paintMark(context, mark, palette, colour, size);
    context.restore();
  });
}

// Lines over a cell that is painted.
function paintOver(context: Context, mark: Mark, palette: Palette, size: number): void {
  context.fillStyle = palette.panel;
  if (mark === "grid") grid(context, size);
  else if (mark === "bars") bars(context, size);
  else if (mark === "corner") triangle(context, size);
}

function paintMark(
  context: Context,
  mark: Mark,
  palette: Palette,
  name: ColourName,
  size: number,
): void {
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
      bars(context, size);
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
    case "bang":
      fill();
      context.fillStyle = inside;
      context.fillRect(size / 2 - 1, size * 0.12, 2, size * 0.48);
      context.fillRect(size / 2 - 1, size * 0.72, 2, Math.max(1.5, size * 0.16));
      break;
    case "grid":
      fill();
      context.fillStyle = inside;
      grid(context, size);
      break;
  }
}

function bars(context: Context, size: number): void {
  for (let y = 2; y < size; y += 3) context.fillRect(0, y, size, 1);
}

function grid(context: Context, size: number): void {
  context.fillRect(size / 2 - 0.5, 1, 1, size - 2);
  context.fillRect(1, size / 2 - 0.5, size - 2, 1);
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
