// SPDX-License-Identifier: Apache-2.0
//
// What the frames' colours mean: whose they are, what they are used for, or how many share them.
// The viewer chooses (View.colouring).
import { classifyFrame, FrameClass } from "../model/frames.js";
import { mostOwners } from "../model/owners.js";
import { FrameKind } from "../model/state.js";
import type { Look } from "../paint/looks.js";
import {
  frameLooks,
  lookOfNobodys,
  ownerPaint,
  ownerPaints,
  sharingLegend,
  sharingLook,
} from "../paint/looks.js";
import type { View } from "./view.js";

export const colourings = ["owner", "kind", "sharing"] as const;
export type Colouring = (typeof colourings)[number];

// A look in the legend; `process`: whose it is, so that it can be chosen.
export interface Entry {
  readonly look: Look;
  readonly process?: number;
}

export class FrameColours {
  #ofOwners = new Map<number, Look>();

  constructor(private readonly view: View) {}

  lookOf(frame: number): Look {
    const { view } = this;
    const kind = classifyFrame(view.state, view.sharing(), frame);
    if (view.colouring === "kind") return frameLooks[kind];
    const nobodys = lookOfNobodys(kind);
    if (nobodys !== undefined) return nobodys;
    if (view.colouring === "sharing") return sharingLook(view.owners().count[frame]!);
    return this.#ownersLook(frame);
  }

  // Asked for each frame on show at every step: so looks are found by a number.
  #ownersLook(frame: number): Look {
    const { count, processes } = this.view.owners();
    const owners = count[frame]!;
    if (owners === 0) return frameLooks[FrameClass.kernel];
    const first = mostOwners * frame;
    const last = first + Math.min(owners, mostOwners);
    const kind = this.view.state.frameKind[frame];
    const over = kind === FrameKind.table ? "grid" : kind === FrameKind.stack ? "bars" : undefined;
    let key = 3 * Number(owners > mostOwners) + (over === undefined ? 0 : over === "grid" ? 1 : 2);
    for (let i = first; i < last; ++i) key = (ownerPaints + 2) * key + 1 + this.#paintOf(processes[i]!);
    let look = this.#ofOwners.get(key);
    if (look === undefined) {
      const parts = Array.from(processes.subarray(first, last), (process) => {
        const paint = this.#paintOf(process);
        return paint < ownerPaints ? ownerPaint(paint) : frameLooks[FrameClass.kernel];
      });
      // The last part stands for all others.
      if (owners > mostOwners) parts[mostOwners - 1] = { colour: "reserved", mark: "plain" };
      const name = "owned";
      look = { ...parts[0]!, name, meaning: "", parts, ...(over !== undefined && { over }) };
      this.#ofOwners.set(key, look);
    }
    return look;
  }

  // Which of the paints a process has; ownerPaints: none.
  #paintOf(process: number): number {
    const slot = this.view.slotOf(process);
    return slot === undefined ? ownerPaints : slot % ownerPaints;
  }

  // Whose a frame is, in words; "" if it is nobody's.
  ownersOf(frame: number): string {
    const { view } = this;
    const { count, processes } = view.owners();
    const owners = count[frame]!;
    if (owners === 0) return "";
    const names: string[] = [];
    for (let i = 0; i < Math.min(owners, mostOwners); ++i)
      names.push(view.processName(processes[mostOwners * frame + i]!));
    const more = owners - names.length;
    return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  }

  legend(): Entry[] {
    const { view } = this;
    const common = [
      FrameClass.kernel,
      FrameClass.reserved,
      FrameClass.unmapped,
      FrameClass.fileUnmapped,
      FrameClass.free,
    ];
    const looks = (classes: readonly FrameClass[]) =>
      classes.map((kind) => ({ look: frameLooks[kind] }));
    if (view.colouring === "kind")
      return Object.values(frameLooks).map((look: Look) => ({ look }));
    if (view.colouring === "sharing")
      return [...sharingLegend.map((look) => ({ look })), ...looks(common)];
    const owners = view.ready
      ? view.processes().map((process): Entry => {
          const name = view.processName(process);
          const paint = ownerPaint(view.slotOf(process) ?? 0);
          return { look: { ...paint, name, meaning: `frames of ${name}` }, process };
        })
      : [];
    return [...owners, ...ownerMarks.map((look) => ({ look })), ...looks(common)];
  }
}

// What the marks over the owners' colours say; the colours here are any.
const ownerMarks: readonly Look[] = [
  {
    name: "shared",
    meaning: "several processes have it: their colours side by side, grey for all others of more than three",
    colour: "owner0",
    mark: "plain",
    parts: [ownerPaint(0), ownerPaint(1)],
  },
  { name: "page table", meaning: "a page table", colour: "kernel", mark: "plain", over: "grid" },
  { name: "stack", meaning: "a kernel stack", colour: "kernel", mark: "plain", over: "bars" },
];
