// SPDX-License-Identifier: Apache-2.0
//
// What a cell looks like. Every meaning has a colour (Okabe and Ito's, told apart with any kind of
// colour blindness) and a mark, so that colour is never the only sign.
import { FrameClass } from "../model/frames.js";
import { PageClass } from "../model/sharing.js";

// CSS variables of style.css.
export const colourNames = [
  "paper",
  "panel",
  "ink",
  "faint",
  "line",
  "own",
  "cow",
  "alone",
  "table-shared",
  "file",
  "shared",
  "alert",
  "table",
  "kernel",
  "reserved",
  "accent",
  "owner0",
  "owner1",
  "owner2",
  "owner3",
  "owner4",
  "owner5",
  "owner6",
  "owner7",
  "sharing1",
  "sharing2",
  "sharing3",
  "sharing4",
] as const;
export type ColourName = (typeof colourNames)[number];
export type Palette = Readonly<Record<ColourName, string>>;

export type Mark =
  | "empty"
  | "plain"
  | "hatch"
  | "dot"
  | "cross-hatch"
  | "corner"
  | "bars"
  | "ring"
  | "cross"
  | "grid"
  | "outline"
  | "bang";

// A colour with a mark in it.
export interface Paint {
  readonly colour: ColourName;
  readonly mark: Mark;
}

export interface Look extends Paint {
  readonly name: string;
  readonly meaning: string;
  // Several side by side, in place of the one.
  readonly parts?: readonly Paint[];
  readonly over?: Mark; // drawn over all of it
}

// By PageClass.
export const pageLooks: Record<PageClass, Look> = {
  [PageClass.none]: {
    name: "no page",
    colour: "line",
    mark: "empty",
    meaning: "part of a mapping, never touched",
  },
  [PageClass.own]: {
    name: "own",
    colour: "own",
    mark: "plain",
    meaning: "this process's alone: a write just happens",
  },
  [PageClass.cowShared]: {
    name: "copy-on-write",
    colour: "cow",
    mark: "hatch",
    meaning: "others map the frame too: a write copies it first",
  },
  [PageClass.cowAlone]: {
    name: "alone again",
    colour: "alone",
    mark: "dot",
    meaning: "still marked copy-on-write, but nobody else maps it: a write takes it over",
  },
  [PageClass.sharedTable]: {
    name: "shared table",
    colour: "table-shared",
    mark: "cross-hatch",
    meaning: "reached through a page table that several address spaces share",
  },
  [PageClass.file]: {
    name: "file",
    colour: "file",
    mark: "corner",
    meaning: "a file's page, mapped privately",
  },
  [PageClass.shared]: {
    name: "shared",
    colour: "shared",
    mark: "bars",
    meaning: "a shared mapping: all see every write",
  },
  [PageClass.zero]: {
    name: "zero",
    colour: "ink",
    mark: "ring",
    meaning: "the frame of zeroes: read, never written",
  },
  [PageClass.guard]: {
    name: "no access",
    colour: "faint",
    mark: "cross",
    meaning: "a guard, or a mapping without access",
  },
  [PageClass.broken]: {
    name: "writable though shared",
    colour: "alert",
    mark: "bang",
    meaning:
      "a kernel bug: a private frame that several map may be written without a copy (invariant I1)",
  },
};

export const frameLooks: Record<FrameClass, Look> = {
  [FrameClass.free]: { name: "free", colour: "line", mark: "empty", meaning: "nobody's" },
  [FrameClass.reserved]: {
    name: "reserved",
    colour: "reserved",
    mark: "plain",
    meaning: "boot image, frame table, channel: never freed",
  },
  [FrameClass.kernel]: {
    name: "kernel",
    colour: "kernel",
    mark: "plain",
    meaning: "kernel stacks, slabs and buffers",
  },
  [FrameClass.table]: {
    name: "page table",
    colour: "table",
    mark: "grid",
    meaning: "a page table of one address space",
  },
  [FrameClass.tableShared]: {
    name: "shared table",
    colour: "table-shared",
    mark: "cross-hatch",
    meaning: "a page table that several address spaces share",
  },
  [FrameClass.own]: {
    name: "one mapping",
    colour: "own",
    mark: "plain",
    meaning: "anonymous, mapped once",
  },
  [FrameClass.cowShared]: {
    name: "many mappings",
    colour: "cow",
    mark: "hatch",
    meaning: "anonymous, mapped more than once",
  },
  [FrameClass.unmapped]: {
    name: "not mapped",
    colour: "own",
    mark: "outline",
    meaning: "anonymous, held by the kernel or about to go",
  },
  [FrameClass.file]: {
    name: "file",
    colour: "file",
    mark: "corner",
    meaning: "a file's page or shared memory, mapped",
  },
  [FrameClass.fileUnmapped]: {
    name: "file, not mapped",
    colour: "file",
    mark: "outline",
    meaning: "a file's page that no one maps now",
  },
  [FrameClass.zero]: { name: "zero", colour: "ink", mark: "ring", meaning: "the frame of zeroes" },
};

// By how many processes have it.
const sharingLooks: readonly (Look & { readonly least: number })[] = [
  {
    least: 8,
    name: "8 or more",
    colour: "sharing4",
    mark: "cross-hatch",
    meaning: "of eight processes or more",
  },
  {
    least: 3,
    name: "3 to 7",
    colour: "sharing3",
    mark: "hatch",
    meaning: "of three to seven processes",
  },
  {
    least: 2,
    name: "2 processes",
    colour: "sharing2",
    mark: "dot",
    meaning: "of two processes",
  },
  {
    least: 1,
    name: "1 process",
    colour: "sharing1",
    mark: "plain",
    meaning: "of one process alone",
  },
];

const ofNobody: ReadonlySet<FrameClass> = new Set([
  FrameClass.free,
  FrameClass.reserved,
  FrameClass.unmapped,
  FrameClass.fileUnmapped,
  FrameClass.zero,
]);

// The look of a frame that no process has; undefined: one may have it.
export function lookOfNobodys(kind: FrameClass): Look | undefined {
  return ofNobody.has(kind) ? frameLooks[kind] : undefined;
}

export function sharingLook(processes: number): Look {
  return sharingLooks.find(({ least }) => processes >= least) ?? frameLooks[FrameClass.kernel];
}

export const sharingLegend: readonly Look[] = [...sharingLooks].reverse();

const ownerColours = [
  "owner0",
  "owner1",
  "owner2",
  "owner3",
  "owner4",
  "owner5",
  "owner6",
  "owner7",
] as const;
const ownerMarks = ["plain", "hatch", "dot", "bars", "cross-hatch", "corner"] as const;

// How many there are; slots further on have those of the first ones again.
export const ownerPaints = ownerColours.length * ownerMarks.length;

// The colour of a process: eight colours, then the same with marks in them.
export function ownerPaint(slot: number): Paint {
  return {
    colour: ownerColours[slot % ownerColours.length]!,
    mark: ownerMarks[Math.floor(slot / ownerColours.length) % ownerMarks.length]!,
  };
}
