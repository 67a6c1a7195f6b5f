// SPDX-License-Identifier: Apache-2.0
//
// All that happened, as changes with the value before and the value after, so that a state can be
// carried to any step in either direction. Each step is written once, while its record is read;
// going somewhere costs what changed on the way, whatever the guest's size.
//
// A position p in [0, steps] means: steps 0 ... p-1 have happened. Step i is the one between
// positions i and i + 1.
//
// Entries of a table that a step makes are not written down one by one: the table goes and comes as
// an object, with the entries that it had at the step's end.
//
// Invariant: within a step, changes of objects come before changes of entries and frames, and an
// entry's change belongs to the table that stands under its frame after the objects' changes. A
// table that goes keeps its words, so that taking the step back brings it back as it was.
import { GrowingWords } from "./growing.js";
import type { Mm, Task } from "./state.js";
import { FrameKind, State, Table } from "./state.js";

const entryWords = 6; // table, index; flags and frame before; flags and frame after
const frameWords = 5; // frame; kind and extra before; kind and extra after

type ObjectChange =
  | { readonly in: "tasks"; readonly key: number; readonly before?: Task; readonly after?: Task }
  | { readonly in: "mms"; readonly key: number; readonly before?: Mm; readonly after?: Mm }
  | { readonly in: "tables"; readonly key: number; readonly before?: Table; readonly after?: Table }
  | {
      readonly in: "running";
      readonly key: number;
      readonly before?: number;
      readonly after?: number;
    };

export interface EntryChange {
  readonly table: number; // its frame
  readonly index: number;
  readonly flagsBefore: number;
  readonly frameBefore: number;
  readonly flagsAfter: number;
  readonly frameAfter: number;
}

export interface FrameChange {
  readonly frame: number;
  readonly kindBefore: FrameKind;
  readonly kindAfter: FrameKind;
}

export class History {
  readonly state: State;
  #position = 0;
  #objects: ObjectChange[] = [];
  #entries = new GrowingWords();
  #frames = new GrowingWords();
  // Where the changes of step i end; those of step 0 start at 0.
  #objectEnds: number[] = [];
  #entryEnds: number[] = [];
  #frameEnds: number[] = [];
  // Frames that were ever something other than free or reserved.
  readonly used: Uint8Array;
  // At position 0.
  tasksAtFirst: readonly Task[] = [];
  #fresh = new Set<Table>(); // made by the step that is being written

  constructor(frames: number) {
    this.state = new State(frames);
    this.used = new Uint8Array(frames);
  }

  get position(): number {
    return this.#position;
  }

  get steps(): number {
    return this.#objectEnds.length;
  }

  // ---- Writing: only at the end ----

  // The set... functions carry a change out at once; commit() makes those since the last one a step.
  // Writing starts at the last position: seek() there first.
  commit(): void {
    this.#objectEnds.push(this.#objects.length);
    this.#entryEnds.push(this.#entries.length);
    this.#frameEnds.push(this.#frames.length);
    this.#position = this.steps;
    this.#fresh.clear();
  }

  // Takes back what was set since the last commit().
  rollBack(): void {
    this.commit();
    this.seek(this.steps - 1);
    for (const ends of [this.#objectEnds, this.#entryEnds, this.#frameEnds]) ends.pop();
    this.#objects.length = this.#objectEnds.at(-1) ?? 0;
    this.#entries.length = this.#entryEnds.at(-1) ?? 0;
    this.#frames.length = this.#frameEnds.at(-1) ?? 0;
  }

  // What was set before the first step is where all begins: it cannot be taken back.
  seal(): void {
    if (this.steps > 0) throw new Error("the beginning is behind");
    this.#objects = [];
    this.#entries = new GrowingWords();
    this.#frames = new GrowingWords();
    this.#fresh.clear();
    this.tasksAtFirst = [...this.state.tasks.values()];
  }

  setTask(pid: number, after: Task | undefined): void {
    this.#setObject({ in: "tasks", key: pid, ...values(this.state.tasks.get(pid), after) });
  }

  setMm(id: number, after: Mm | undefined): void {
    this.#setObject({ in: "mms", key: id, ...values(this.state.mms.get(id), after) });
  }

  // A fresh table of zeros, or none. Before this step's changes of its entries.
  setTable(frame: number, level: number | undefined): void {
    const after = level === undefined ? undefined : new Table(frame, level);
    if (after !== undefined) this.#fresh.add(after);
    this.#setObject({ in: "tables", key: frame, ...values(this.state.tables.get(frame), after) });
  }

  setRunning(cpu: number, after: number): void {
    this.#setObject({ in: "running", key: cpu, ...values(this.state.running.get(cpu), after) });
  }

  setEntry(table: number, index: number, flags: number, frame: number): void {
    const of = this.state.tables.get(table);
    if (of === undefined) throw new Error(`entry ${index} of frame ${table}, which is no table`);
    const { words } = of;
    if (words[2 * index] === flags && words[2 * index + 1] === frame) return;
    if (!this.#fresh.has(of)) this.#logEntry(words, table, index, flags, frame);
    words[2 * index] = flags;
    words[2 * index + 1] = frame;
  }

  #logEntry(words: Uint32Array, table: number, index: number, flags: number, frame: number): void {
    const log = this.#entries;
    log.reserve(entryWords);
    const at = log.length;
    log.words[at] = table;
    log.words[at + 1] = index;
    log.words[at + 2] = words[2 * index]!;
    log.words[at + 3] = words[2 * index + 1]!;
    log.words[at + 4] = flags;
    log.words[at + 5] = frame;
    log.length += entryWords;
  }

  setFrame(frame: number, kind: FrameKind, extra: number): void {
    const { frameKind, frameExtra, frames } = this.state;
    if (frame >= frames) throw new Error(`frame ${frame} of ${frames}`);
    this.#frames.push(frame, frameKind[frame]!, frameExtra[frame]!, kind, extra);
    frameKind[frame] = kind;
    frameExtra[frame] = extra;
    if (kind > FrameKind.reserved) this.used[frame] = 1;
  }

  #setObject(change: ObjectChange): void {
    this.#objects.push(change);
    this.#put(change, change.after);
  }

  // ---- Going somewhere ----

  seek(position: number): void {
    const target = Math.max(0, Math.min(this.steps, Math.trunc(position)));
    while (this.#position < target) this.#redo(this.#position++);
    while (this.#position > target) this.#undo(--this.#position);
  }

  #redo(step: number): void {
    for (let i = start(this.#objectEnds, step); i < this.#objectEnds[step]!; ++i) {
      const change = this.#objects[i]!;
      this.#put(change, change.after);
    }
    this.#applyEntries(step, 4);
    this.#applyFrames(step, 3);
  }

  #undo(step: number): void {
    this.#applyFrames(step, 1);
    this.#applyEntries(step, 2);
    for (let i = this.#objectEnds[step]! - 1; i >= start(this.#objectEnds, step); --i) {
      const change = this.#objects[i]!;
      this.#put(change, change.before);
    }
  }

  #put(change: ObjectChange, value: Task | Mm | Table | number | undefined): void {
    const map = this.state[change.in] as Map<number, unknown>;
    if (value === undefined) map.delete(change.key);
    else map.set(change.key, value);
  }

  // `value`: where in a record of the log the wanted value stands. A value before is taken from
  // the last record first, since an entry may change twice in a step.
  #applyEntries(step: number, value: 2 | 4): void {
    const words = this.#entries.words;
    const first = start(this.#entryEnds, step);
    const end = this.#entryEnds[step]!;
    const forward = value === 4;
    for (let done = 0; done < end - first; done += entryWords) {
      const at = forward ? first + done : end - entryWords - done;
      const table = this.state.tables.get(words[at]!)!;
      const index = 2 * words[at + 1]!;
      table.words[index] = words[at + value]!;
      table.words[index + 1] = words[at + value + 1]!;
    }
  }

  #applyFrames(step: number, value: 1 | 3): void {
    const words = this.#frames.words;
    const first = start(this.#frameEnds, step);
    const end = this.#frameEnds[step]!;
    const forward = value === 3;
    for (let done = 0; done < end - first; done += frameWords) {
      const at = forward ? first + done : end - frameWords - done;
      this.state.frameKind[words[at]!] = words[at + value]!;
      this.state.frameExtra[words[at]!] = words[at + value + 1]!;
    }
  }

  // ---- What a step did ----

  // Tables that a step made.
  newTables(step: number): Table[] {
    const made: Table[] = [];
    for (let i = start(this.#objectEnds, step); i < (this.#objectEnds[step] ?? 0); ++i) {
      const change = this.#objects[i]!;
      if (change.in === "tables" && change.after !== undefined) made.push(change.after);
    }
    return made;
  }

  // Tasks that came (without `before`), went (without `after`) or changed, in order.
  taskChanges(step: number): { readonly before?: Task; readonly after?: Task }[] {
    const changes: { readonly before?: Task; readonly after?: Task }[] = [];
    for (let i = start(this.#objectEnds, step); i < (this.#objectEnds[step] ?? 0); ++i) {
      const change = this.#objects[i]!;
      if (change.in === "tasks") changes.push(change);
    }
    return changes;
  }

  // Changed entries of tables that were there before.
  entryChanges(step: number): EntryChange[] {
    const changes: EntryChange[] = [];
    const { words } = this.#entries;
    for (
      let at = start(this.#entryEnds, step);
      at < (this.#entryEnds[step] ?? 0);
      at += entryWords
    ) {
      changes.push({
        table: words[at]!,
        index: words[at + 1]!,
        flagsBefore: words[at + 2]!,
        frameBefore: words[at + 3]!,
        flagsAfter: words[at + 4]!,
        frameAfter: words[at + 5]!,
      });
    }
    return changes;
  }

  frameChanges(step: number): FrameChange[] {
    const changes: FrameChange[] = [];
    const { words } = this.#frames;
    for (
      let at = start(this.#frameEnds, step);
      at < (this.#frameEnds[step] ?? 0);
      at += frameWords
    ) {
      changes.push({
        frame: words[at]!,
        kindBefore: words[at + 1]!,
        kindAfter: words[at + 3]!,
      });
    }
    return changes;
  }
}

function start(ends: readonly number[], step: number): number {
  return step === 0 ? 0 : (ends[step - 1] ?? 0);
}

function values<T>(before: T | undefined, after: T | undefined): { before?: T; after?: T } {
  return { ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
}
