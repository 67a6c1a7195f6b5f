// SPDX-License-Identifier: Apache-2.0
//
// The structure of a screenshot: where the panels are, what fills them, and what the cells of memory
// mean by the legend that is in the same picture. Descriptions are compared with room for other fonts
// and for smoothed edges: no single pixel counts.
//
// Where panels, cells and swatches stand is asked of the page; what is there is read from the pixels.
import type { Page } from "playwright-core";
import { drawn } from "./browser.js";
import { colourNames } from "../../src/paint/looks.js";
import { decode } from "./png.js";
import type { Image } from "./png.js";

const panelIds = [
  "tasks-panel",
  "events-panel",
  "first-panel",
  "second-panel",
  "details-panel",
  "frames-panel",
  "tables-panel",
  "timeline-panel",
] as const;
const cellPanels = ["first", "second", "frames"] as const;

type Box = readonly [left: number, top: number, right: number, bottom: number]; // CSS pixels

export interface Region {
  readonly box: Box; // in hundredths of the window
  readonly busy: number; // share of its squares of 8 by 8 pixels that are not empty
  readonly colours: Readonly<Record<string, number>>; // shares of its pixels, without text's
}

export interface Description {
  readonly panels: Readonly<Record<string, Region>>; // those that show
  // By panel: how many cells there are of each meaning in the legend.
  readonly cells: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

// ---- Describing ----

interface Places {
  readonly panels: Record<string, Box>;
  readonly cells: Record<string, Box[]>;
  readonly legend: readonly { readonly panel: string; readonly name: string; readonly box: Box }[];
  readonly palette: Record<string, string>;
}

export async function describe(page: Page): Promise<Description> {
  await drawn(page);
  const places = await findPlaces(page);
  const image = decode(await page.screenshot());
  const scale = image.width / page.viewportSize()!.width;
  const picture = new Picture(image, scale, places.palette);
  const window: Box = [0, 0, image.width / scale, image.height / scale];
  const panels = Object.entries(places.panels).map(([id, box]) => [
    id,
    {
      box: box.map((value, i) => round((100 * value) / window[2 + (i % 2)]!, 1)),
      busy: picture.busy(box),
      colours: picture.shares(box),
    },
  ]);
  const cells = Object.entries(places.cells).map(([panel, boxes]) => {
    const of = panel === "frames" ? "frame-legend" : "page-legend";
    const names = new Map<string, string>();
    for (const { name, box } of places.legend.filter((entry) => entry.panel === of)) {
      const look = picture.look(box);
      names.set(look, names.has(look) ? `${names.get(look)} or ${name}` : name);
    }
    return [panel, count(boxes.map((box) => meaning(picture.look(box), names)))];
  });
  return { panels: Object.fromEntries(panels), cells: Object.fromEntries(cells) };
}

// What the legend calls a look; of one that it has not, what it calls each of its colours.
function meaning(look: string, names: ReadonlyMap<string, string>): string {
  const parts = look.split(" ").map((colour) => names.get(colour) ?? colour);
  return names.get(look) ?? parts.join(" with ");
}

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function findPlaces(page: Page): Promise<Places> {
  return page.evaluate(
    ([ids, inPanels, names]) => {
      const boxOf = ({ left, top, right, bottom }: DOMRect): Box => [left, top, right, bottom];
      const shows = (box: Box) => box[2] > box[0] && box[3] > box[1];
      const panels: Record<string, Box> = {};
      for (const id of ids) {
        const box = boxOf(document.getElementById(id)!.getBoundingClientRect());
        if (shows(box)) panels[id] = box;
      }
      const { view, panels: canvases } = window.forkvisor;
      const cells: Record<string, Box[]> = {};
      for (const name of inPanels) {
        const canvas = canvases[name];
        const units =
          name === "frames"
            ? Array.from({ length: view.state.frames }, (_, frame) => frame)
            : (view.shown()[name]?.vmas ?? []).flatMap((vma) =>
                Array.from({ length: vma.pages }, (_, i) => vma.page + i),
              );
        cells[name] = units.flatMap((unit): Box[] => {
          const place = canvas.rectOf(unit);
          if (place === undefined || place.width !== place.height) return []; // in a gap
          const { rect, visible } = canvas.onScreen(place);
          if (!visible || rect.height < place.height) return [];
          return [[rect.x, rect.y, rect.x + rect.width, rect.y + rect.height]];
        });
      }
      const legend = [...document.querySelectorAll<HTMLElement>(".legend .swatch")].map(
        (swatch) => {
          const item = swatch.closest("li")!;
          return {
            panel: item.parentElement!.id,
            name: item.textContent!,
            box: boxOf(swatch.getBoundingClientRect()),
          };
        },
      );
      const style = getComputedStyle(document.documentElement);
      const palette = Object.fromEntries(
        names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
      );
      return { panels, cells, legend, palette };
    },
    [panelIds, cellPanels, colourNames] as const,
  );
}

// ---- Pixels ----

const none = -1;
const sameColour = 100; // square of the distance of two colours that are taken for the same
const emptySquare = 1200; // of a pixel from its panel's ground
const square = 8; // CSS pixels
const leastShare = 0.003;
const text: ReadonlySet<string> = new Set(["ink", "faint"]);
const grounds: ReadonlySet<string> = new Set(["panel", "paper"]);

class Picture {
  readonly #names: readonly string[];
  readonly #colours: readonly number[];
  readonly #known = new Map<number, number>(); // by colour, the index of its name

  constructor(
    private readonly image: Image,
    private readonly scale: number, // pixels per CSS pixel
    palette: Readonly<Record<string, string>>,
  ) {
    this.#names = Object.keys(palette);
    this.#colours = Object.values(palette).map((hex) => Number.parseInt(hex.slice(1), 16));
  }

  // A cell's colours, those that fill it, in the order of their names; "blank" if there is none.
  look(box: Box): string {
    const counts = [...this.#count(box)].filter(([name]) => !grounds.has(name));
    const most = Math.max(0, ...counts.map(([, pixels]) => pixels));
    // A line across it, or the edge of a mark, is no look.
    const filling = counts.filter(([, pixels]) => pixels > 0.4 * most).map(([name]) => name);
    return filling.length === 0 ? "blank" : filling.sort().join(" ");
  }

  // How much of a region has which colour of the palette.
  shares(box: Box): Record<string, number> {
    const area = (box[2] - box[0]) * (box[3] - box[1]) * this.scale ** 2;
    const shares = [...this.#count(box)]
      .filter(([name, pixels]) => !text.has(name) && !grounds.has(name) && pixels >= leastShare * area)
      .map(([name, pixels]) => [name, round(pixels / area, 4)] as const);
    return Object.fromEntries(shares.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  // How many of a region's squares are not empty.
  busy(box: Box): number {
    const ground = this.#mostFrequent(box);
    let busy = 0;
    let all = 0;
    for (let y = box[1]; y + square <= box[3]; y += square) {
      for (let x = box[0]; x + square <= box[2]; x += square, ++all) {
        let marked = false;
        this.#each([x, y, x + square, y + square], (colour) => {
          marked ||= distance(colour, ground) > emptySquare;
        });
        if (marked) ++busy;
      }
    }
    return all === 0 ? 0 : round(busy / all, 3);
  }

  #mostFrequent(box: Box): number {
    const counts = new Map<number, number>();
    this.#each(box, (colour) => counts.set(colour, (counts.get(colour) ?? 0) + 1));
    return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), [0, 0])[0];
  }

  #count(box: Box): Map<string, number> {
    const counts = new Map<string, number>();
    this.#each(box, (colour) => {
      const index = this.#nameOf(colour);
      if (index === none) return;
      const name = this.#names[index]!;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    });
    return counts;
  }

  #nameOf(colour: number): number {
    let index = this.#known.get(colour);
    if (index === undefined) {
      const distances = this.#colours.map((one) => distance(one, colour));
      const least = Math.min(...distances);
      index = least <= sameColour ? distances.indexOf(least) : none;
      this.#known.set(colour, index);
    }
    return index;
  }

  #each(box: Box, visit: (colour: number) => void): void {
    const { width, height, channels, pixels } = this.image;
    const edge = (value: number, most: number) =>
      Math.max(0, Math.min(most, Math.round(value * this.scale)));
    const right = edge(box[2], width);
    const bottom = edge(box[3], height);
    for (let y = edge(box[1], height); y < bottom; ++y) {
      for (let x = edge(box[0], width); x < right; ++x) {
        const at = (y * width + x) * channels;
        visit((pixels[at]! << 16) | (pixels[at + 1]! << 8) | pixels[at + 2]!);
      }
    }
  }
}

function distance(a: number, b: number): number {
  const part = (shift: number) => ((a >> shift) & 0xff) - ((b >> shift) & 0xff);
  return part(16) ** 2 + part(8) ** 2 + part(0) ** 2;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

// ---- Comparing ----

// In what two descriptions differ by more than fonts and smoothing do, a sentence each.
export function differences(wanted: Description, found: Description): string[] {
  const problems: string[] = [];
  // `absolute` or `relative`, whichever leaves more room.
  const compare = (what: string, a: number, b: number, absolute: number, relative: number) => {
    if (Math.abs(a - b) > Math.max(absolute, relative * Math.max(a, b)))
      problems.push(`${what}: ${b} instead of ${a}`);
  };
  for (const id of keys(wanted.panels, found.panels)) {
    const [a, b] = [wanted.panels[id], found.panels[id]];
    if (a === undefined || b === undefined) {
      problems.push(`${id} ${b === undefined ? "is missing" : "should not show"}`);
      continue;
    }
    a.box.forEach((edge, i) => compare(`${id}, edge ${i}`, edge, b.box[i]!, 2.5, 0));
    compare(`${id}, busy`, a.busy, b.busy, 0.06, 0.35);
    for (const name of keys(a.colours, b.colours))
      compare(`${id}, ${name}`, a.colours[name] ?? 0, b.colours[name] ?? 0, 0.006, 0.35);
  }
  for (const panel of keys(wanted.cells, found.cells)) {
    const [a, b] = [wanted.cells[panel] ?? {}, found.cells[panel] ?? {}];
    for (const name of keys(a, b))
      compare(`cells of ${panel}, ${name}`, a[name] ?? 0, b[name] ?? 0, 2, 0.12);
  }
  return problems;
}

function keys(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}

// As it is committed: a line for each panel.
export function written({ panels, cells }: Description): string {
  const block = (of: object) =>
    Object.entries(of)
      .map(([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)}`)
      .join(",\n");
  return `{\n  "panels": {\n${block(panels)}\n  },\n  "cells": {\n${block(cells)}\n  }\n}\n`;
}
