// SPDX-License-Identifier: Apache-2.0
//
// Carries out a message Change of proto/recording.proto on a history. Fields are applied in the
// schema's order, which is the order in which a writer puts them down.
import * as entry from "../model/entry.js";
import type { History } from "../model/history.js";
import type { Mm, Task, Vma } from "../model/state.js";
import { entriesPerTable, FrameKind, pagesOfSpace } from "../model/state.js";
import type { Reader } from "./wire.js";
import { WireError } from "./wire.js";

const noFrame = 0xffffffff;

// Names that changes bring once and refer to by number.
export interface Names {
  readonly slabs: Map<number, string>;
  readonly files: Map<number, string>; // paths
}

export function applyChange(reader: Reader, history: History, names: Names): void {
  const drop = (remove: (key: number) => void) => {
    for (const key of reader.packed((inner) => inner.uint32())) remove(key);
  };
  reader.fields((field) => {
    if (field === 1) drop((pid) => history.setTask(pid, undefined));
    else if (field === 2) applyTask(reader.message(), history);
    else if (field === 3) drop((id) => history.setMm(id, undefined));
    else if (field === 4) applyMm(reader.message(), history);
    else if (field === 5) drop((frame) => history.setTable(frame, undefined));
    else if (field === 6) applyTable(reader.message(), history);
    else if (field === 7) applyFrames(reader.message(), history);
    else if (field === 8) readName(reader.message(), names.slabs);
    else if (field === 9) history.setRunning(0, reader.uint32());
    else if (field === 10) readName(reader.message(), names.files);
    else return false;
    return true;
  });
}

function applyTask(reader: Reader, history: History): void {
  const task: { -readonly [Key in keyof Task]: Task[Key] } = {
    pid: 0,
    tgid: 0,
    ppid: 0,
    mm: 0,
    state: 0,
    name: "",
    exitStatus: 0,
    stack: 0,
  };
  reader.fields((field) => {
    if (field === 1) Object.assign(task, history.state.tasks.get((task.pid = reader.uint32())));
    else if (field === 2) task.tgid = reader.uint32();
    else if (field === 3) task.ppid = reader.uint32();
    else if (field === 4) task.state = reader.uint32();
    else if (field === 5) task.name = reader.string();
    else if (field === 6) task.mm = reader.uint32();
    else if (field === 7) task.exitStatus = reader.uint32();
    else if (field === 8) task.stack = reader.uint32();
    else return false;
    return true;
  });
  history.setTask(task.pid, task);
}

function applyMm(reader: Reader, history: History): void {
  const mm: { -readonly [Key in keyof Mm]: Mm[Key] } = {
    id: 0,
    address: 0,
    root: 0,
    strategy: 0,
    vmas: [],
  };
  let changed: Map<number, Vma> | undefined;
  const vmas = () => (changed ??= new Map(mm.vmas.map((vma) => [vma.page, vma])));
  reader.fields((field) => {
    if (field === 1) Object.assign(mm, history.state.mms.get((mm.id = reader.uint32())));
    else if (field === 2) mm.address = reader.safe();
    else if (field === 3) mm.root = reader.uint32();
    else if (field === 4) mm.strategy = reader.uint32();
    else if (field === 5) {
      mm.vmas = history.state.mms.get(reader.uint32())?.vmas ?? [];
      changed = undefined;
    } else if (field === 6) {
      for (const page of reader.packed((inner) => inner.safe())) vmas().delete(page);
    } else if (field === 7) {
      const vma = readVma(reader.message());
      vmas().set(vma.page, vma);
    } else return false;
    return true;
  });
  if (changed !== undefined) mm.vmas = [...changed.values()].sort((a, b) => a.page - b.page);
  history.setMm(mm.id, mm);
}

function readVma(reader: Reader): Vma {
  const numbers = [0, 0, 0, 0, 0, 0, 0];
  reader.fields((field) => {
    if (field < 1 || field > 6) return false;
    numbers[field] = reader.safe();
    return true;
  });
  const [, page, pages, flags, object, offset, file] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // A damaged mapping may have pages that no table reaches; they are left out.
  const least = Math.min(page, pagesOfSpace);
  return { page: least, pages: Math.min(pages, pagesOfSpace - least), flags, object, offset, file };
}

function applyTable(reader: Reader, history: History): void {
  let frame = 0;
  reader.fields((field) => {
    if (field === 1) frame = reader.uint32();
    else if (field === 2) {
      const level = reader.uint32();
      if (level !== 0) history.setTable(frame, level);
    } else if (field === 3) copyEntries(reader.message(), history, frame);
    else if (field === 4) changeFlags(reader.message(), history, frame);
    else if (field === 5) setEntries(reader.message(), history, frame);
    else return false;
    return true;
  });
}

// The words of a table that has to be there, after a check of what is wanted of it.
function wordsOf(history: History, frame: number, first: number, count: number): Uint32Array {
  const table = history.state.tables.get(frame);
  if (table === undefined) throw new WireError(`frame ${frame} is no page table`);
  if (first + count > entriesPerTable) throw new WireError("entries behind a table's end");
  return table.words;
}

function copyEntries(reader: Reader, history: History, frame: number): void {
  let [from, first, count, clear] = [0, 0, 0, 0];
  reader.fields((field) => {
    if (field === 1) from = reader.uint32();
    else if (field === 2) first = reader.uint32();
    else if (field === 3) count = reader.uint32();
    else if (field === 4) clear = reader.uint32();
    else return false;
    return true;
  });
  if (count === 0) count = Math.max(0, entriesPerTable - first);
  const words = wordsOf(history, from, first, count);
  wordsOf(history, frame, first, count);
  for (let index = first; index < first + count; ++index) {
    const flags = words[2 * index]! & ~clear;
    history.setEntry(frame, index, flags, flags === 0 ? 0 : words[2 * index + 1]!);
  }
}

function changeFlags(reader: Reader, history: History, frame: number): void {
  let [first, count, clear, set] = [0, 0, 0, 0];
  reader.fields((field) => {
    if (field === 1) first = reader.uint32();
    else if (field === 2) count = reader.uint32();
    else if (field === 3) clear = reader.uint32();
    else if (field === 4) set = reader.uint32();
    else return false;
    return true;
  });
  count = Math.max(1, count);
  const words = wordsOf(history, frame, first, count);
  for (let index = first; index < first + count; ++index) {
    const flags = words[2 * index]!;
    if (flags !== 0) history.setEntry(frame, index, (flags & ~clear) | set, words[2 * index + 1]!);
  }
}

const enum Frames {
  consecutive,
  same,
  steps,
}

function setEntries(reader: Reader, history: History, frame: number): void {
  let [first, count, flags, target, frames] = [0, 0, 0, 0, 0];
  let steps: number[] = [];
  reader.fields((field) => {
    if (field === 1) first = reader.uint32();
    else if (field === 2) count = reader.uint32();
    else if (field === 3) flags = reader.uint32();
    else if (field === 4) target = reader.safe();
    else if (field === 5) frames = reader.uint32();
    else if (field === 6) steps = reader.packed((inner) => inner.sint64());
    else return false;
    return true;
  });
  count = Math.max(1, count);
  wordsOf(history, frame, first, count);
  for (let i = 0; i < count; ++i) {
    // A damaged entry may name a frame that no memory has; all of those look the same.
    const inRange = Math.min(Math.max(0, target), noFrame);
    history.setEntry(frame, first + i, flags, flags === entry.empty ? 0 : inRange);
    if (frames === Frames.consecutive) ++target;
    else if (frames === Frames.steps) target += steps[i] ?? 0;
  }
}

function applyFrames(reader: Reader, history: History): void {
  let [first, count, state, pins, slab] = [0, 0, 0, 0, 0];
  reader.fields((field) => {
    if (field === 1) first = reader.uint32();
    else if (field === 2) count = reader.uint32();
    else if (field === 3) state = reader.uint32();
    else if (field === 4) pins = reader.uint32();
    else if (field === 5) slab = reader.uint32();
    else return false;
    return true;
  });
  count = Math.max(1, count);
  if (first + count > history.state.frames) throw new WireError("frames behind the end of memory");
  const extra = state === FrameKind.slab ? slab : pins;
  for (let frame = first; frame < first + count; ++frame) history.setFrame(frame, state, extra);
}

function readName(reader: Reader, names: Map<number, string>): void {
  let id = 0;
  let name = "";
  reader.fields((field) => {
    if (field === 1) id = reader.uint32();
    else if (field === 2) name = reader.string();
    else return false;
    return true;
  });
  names.set(id, name);
}

// Takes everything away, as a Keyframe that comes later asks for.
export function clearState(history: History): void {
  const { state } = history;
  for (const pid of [...state.tasks.keys()]) history.setTask(pid, undefined);
  for (const id of [...state.mms.keys()]) history.setMm(id, undefined);
  for (const frame of [...state.tables.keys()]) history.setTable(frame, undefined);
  for (let frame = 0; frame < state.frames; ++frame) {
    if (state.frameKind[frame] !== FrameKind.free) history.setFrame(frame, FrameKind.free, 0);
  }
}
