// SPDX-License-Identifier: Apache-2.0
//
// What is looked at: a recording, a position in it, two address spaces, a selection. Panels draw it
// and are told when it changes; nothing here knows how anything looks.
import { Recording } from "../decode/recording.js";
import { compare } from "../model/compare.js";
import type { Comparison } from "../model/compare.js";
import { computeOwners, framesOf, processesOf, Slots } from "../model/owners.js";
import type { Owners } from "../model/owners.js";
import { computeSharing, tasksOf } from "../model/sharing.js";
import type { Sharing } from "../model/sharing.js";
import type { Mm, State, Vma } from "../model/state.js";
import type { Fork } from "../model/story.js";
import { Story } from "../model/story.js";
import { leafTable } from "../model/walk.js";
import * as entry from "../model/entry.js";
import { colourings } from "./frame_colours.js";
import type { Colouring } from "./frame_colours.js";

export type Selection =
  | { readonly kind: "page"; readonly mm: number; readonly page: number }
  | { readonly kind: "frame"; readonly frame: number };

export type Side = "first" | "second";

export interface Changed {
  // By table: the entries that changed; "new" for a table that was made.
  readonly tables: ReadonlyMap<number, ReadonlySet<number> | "new">;
  readonly frames: ReadonlySet<number>;
  readonly entries: number; // how many in all
}

// Whether an entry changed.
export function hasChanged(changed: Changed, table: number, index: number): boolean {
  const indexes = changed.tables.get(table);
  return indexes !== undefined && (indexes === "new" || indexes.has(index));
}

export class View {
  recording = new Recording();
  story = new Story(this.recording);
  // Of whoever shows it: reading from a file, from a running guest, ...
  live = false;
  selection: Selection | undefined;
  // Which address spaces are shown: chosen by hand, or those of the latest fork.
  automatic = true;
  following = false;
  playing = false;
  speed = 4; // steps a second
  colouring: Colouring = "owner"; // of frames
  // The process whose frames stand out; undefined: all alike.
  spotlight: number | undefined;
  #chosen: Record<Side, number | undefined> = { first: undefined, second: undefined };
  #listeners: (() => void)[] = [];
  #slots = new Slots();
  #sharing: Sharing | undefined;
  #owners: Owners | undefined;
  // Of another step; fresh memory of that size costs more than filling it.
  #spare: { sharing?: Sharing; owners?: Owners } = {};
  #lit: { readonly process: number; readonly frames: Uint8Array } | undefined;
  #comparison: { first: number; second: number; result: Comparison } | undefined;
  #changed: Changed | undefined;

  // Looks at another recording, from its beginning or, if it is still being made, at its end.
  open(recording: Recording, live: boolean): void {
    this.recording = recording;
    this.story = new Story(recording);
    this.#slots = new Slots();
    this.spotlight = undefined;
    this.live = this.following = live;
    this.selection = undefined;
    this.automatic = true;
    this.playing = false;
    if (!live) recording.history?.seek(0);
    this.grown();
  }

  get ready(): boolean {
    return this.recording.history !== undefined;
  }

  get state(): State {
    return this.recording.history!.state;
  }

  get position(): number {
    return this.recording.history?.position ?? 0;
  }

  get steps(): number {
    return this.recording.history?.steps ?? 0;
  }

  // The step that led here; undefined at the beginning.
  get step(): number | undefined {
    return this.position === 0 ? undefined : this.position - 1;
  }

  // Called after something was selected, so that every picture shows it.
  onSelect: () => void = () => {};

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  // ---- Moving ----

  seek(position: number): void {
    const { history } = this.recording;
    if (history === undefined) return;
    const before = history.position;
    history.seek(position);
    this.following = this.following && history.position === history.steps;
    if (history.position !== before) this.#forget();
    this.#tell();
  }

  // More of the recording is there.
  grown(): void {
    this.story.update();
    if (this.recording.history !== undefined) this.#slots.update(this.recording.history);
    if (this.following) this.recording.history?.seek(this.steps);
    this.#forget();
    this.#tell();
  }

  follow(): void {
    this.following = this.live;
    if (!this.live) {
      this.seek(this.steps);
      return;
    }
    this.playing = false;
    this.grown();
  }

  play(playing: boolean): void {
    this.playing = playing && this.position < this.steps;
    if (playing && this.position === this.steps && this.steps > 0) {
      this.seek(0);
      this.playing = true;
    }
    this.#tell();
  }

  // The next position, in a direction, whose step has an event that `wanted` accepts.
  seekEvent(direction: 1 | -1, wanted: (kind: string) => boolean): boolean {
    const { story, recording } = this;
    for (
      let step = this.position - 1 + direction;
      step >= 0 && step < this.steps;
      step += direction
    ) {
      const { firstEvent, events } = recording.steps[step]!;
      for (let i = firstEvent; i < firstEvent + events; ++i) {
        if (!wanted(story.kind(recording.events[i]!))) continue;
        this.seek(step + 1);
        return true;
      }
    }
    return false;
  }

  // ---- Choosing ----

  // Shows the address space of a task.
  choose(side: Side, mm: number | undefined): void {
    const shown = this.shown();
    this.#chosen = { first: shown.first?.id, second: shown.second?.id };
    this.#chosen[side] = mm;
    if (side === "first" && mm === this.#chosen.second) this.#chosen.second = undefined;
    this.automatic = false;
    this.#tell();
  }

  setAutomatic(automatic: boolean): void {
    if (!automatic) {
      const shown = this.shown();
      this.#chosen = { first: shown.first?.id, second: shown.second?.id };
    }
    this.automatic = automatic;
    this.#tell();
  }

  select(selection: Selection | undefined): void {
    this.selection = selection;
    this.#tell();
    this.onSelect();
  }

  // The next way to colour frames, or a certain one.
  colour(by?: Colouring): void {
    const next = (colourings.indexOf(this.colouring) + 1) % colourings.length;
    this.colouring = by ?? colourings[next]!;
    this.#tell();
  }

  // Lets a process's frames stand out, or no longer if they do.
  light(process: number | undefined): void {
    this.spotlight = process === this.spotlight ? undefined : process;
    this.#tell();
  }

  // The address spaces on show, at this step.
  shown(): { first: Mm | undefined; second: Mm | undefined } {
    if (!this.ready) return { first: undefined, second: undefined };
    const { mms } = this.state;
    if (!this.automatic) {
      const { first, second } = this.#chosen;
      return { first: mms.get(first ?? -1), second: mms.get(second ?? -1) };
    }
    const fork = this.fork();
    const parent = fork && this.#mmOf(fork.parent);
    const child = fork && this.#mmOf(fork.child);
    if (parent !== undefined || child !== undefined) {
      return { first: parent ?? child, second: parent === child ? undefined : parent && child };
    }
    return { first: this.#mostInteresting(), second: undefined };
  }

  // The last fork that is complete at this position.
  fork(): Fork | undefined {
    return this.step === undefined ? undefined : this.story.forkBefore(this.step);
  }

  #mmOf(pid: number): Mm | undefined {
    return this.state.mms.get(this.state.tasks.get(pid)?.mm ?? 0);
  }

  // The running task's address space, or else the one of the lowest pid.
  #mostInteresting(): Mm | undefined {
    const running = this.#mmOf(this.state.running.get(0) ?? 0);
    if (running !== undefined) return running;
    const pids = [...this.state.tasks.keys()].sort((a, b) => a - b);
    for (const pid of pids) {
      const mm = this.#mmOf(pid);
      if (mm !== undefined) return mm;
    }
    return undefined;
  }

  // ---- What follows from the state, kept until it changes ----

  sharing(): Sharing {
    return (this.#sharing ??= this.#spare.sharing =
      computeSharing(this.state, this.#spare.sharing));
  }

  comparison(): Comparison | undefined {
    const { first, second } = this.shown();
    if (first === undefined || second === undefined) return undefined;
    if (this.#comparison?.first !== first.id || this.#comparison.second !== second.id) {
      this.#comparison = {
        first: first.id,
        second: second.id,
        result: compare(this.state, first, second),
      };
    }
    return this.#comparison.result;
  }

  // What the step that led here did to tables and frames.
  changed(): Changed {
    return (this.#changed ??= this.#computeChanged());
  }

  #computeChanged(): Changed {
    const tables = new Map<number, Set<number> | "new">();
    let entries = 0;
    const frames = new Set<number>();
    const { step } = this;
    const { history } = this.recording;
    if (step !== undefined && history !== undefined) {
      for (const { frame, words } of history.newTables(step)) {
        tables.set(frame, "new");
        for (let i = 0; i < words.length; i += 2) if (words[i] !== 0) ++entries;
      }
      for (const { table, index } of history.entryChanges(step)) {
        let indexes = tables.get(table);
        if (indexes === "new") continue;
        if (indexes === undefined) tables.set(table, (indexes = new Set()));
        if (!indexes.has(index)) ++entries;
        indexes.add(index);
      }
      for (const { frame } of history.frameChanges(step)) frames.add(frame);
    }
    return { tables, frames, entries };
  }

  // The frame that the selection is about, if any.
  selectedFrame(): number | undefined {
    const { selection } = this;
    if (selection === undefined || selection.kind === "frame") return selection?.frame;
    const mm = this.state.mms.get(selection.mm);
    const table = mm && leafTable(this.state, mm, selection.page);
    if (table === undefined) return undefined;
    const at = 2 * (selection.page % 512);
    return (table.words[at]! & entry.present) === 0 ? undefined : table.words[at + 1]!;
  }

  owners(): Owners {
    return (this.#owners ??= this.#spare.owners = computeOwners(this.state, this.#spare.owners));
  }

  // By frame, whether it is of the process that stands out; undefined: none does.
  lit(): Uint8Array | undefined {
    const { spotlight } = this;
    if (spotlight === undefined) return undefined;
    if (this.#lit?.process !== spotlight) {
      this.#lit = { process: spotlight, frames: framesOf(this.state, spotlight) };
    }
    return this.#lit.frames;
  }

  // Processes with memory at this step, by pid.
  processes(): number[] {
    return [...new Set(processesOf(this.state).values())].sort((a, b) => a - b);
  }

  // Of the address space on the left.
  leftProcess(): number | undefined {
    const { first } = this.shown();
    return first && processesOf(this.state).get(first.id);
  }

  // Which colour a process has (looks.ts).
  slotOf(process: number): number | undefined {
    return this.#slots.slotOf(process);
  }

  processName(process: number): string {
    return `pid ${process} ${this.state.tasks.get(process)?.name ?? ""}`.trim();
  }

  nameOf(mm: Mm): string {
    const pids = tasksOf(this.state, mm.id);
    if (pids.length === 0) return `address space ${mm.id}`;
    const more = pids.length > 1 ? ` and ${pids.length - 1} more` : "";
    return `pid ${pids[0]}${more} ${this.state.tasks.get(pids[0]!)!.name}`.trim();
  }

  // The path of the file that a mapping shows; "" if it has none, or the recording is too old to say.
  pathOf(vma: Vma): string {
    return this.recording.names.files.get(vma.file) ?? "";
  }

  #forget(): void {
    this.#sharing = undefined;
    this.#owners = undefined;
    this.#lit = undefined;
    this.#comparison = undefined;
    this.#changed = undefined;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
