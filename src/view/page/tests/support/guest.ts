// SPDX-License-Identifier: Apache-2.0
//
// A made-up guest, for tests: it forks with copy-on-write, breaks pages and exits, and writes the
// recording of it. Where the real kernel has details (hot pages, spare trees), this one is plain.
import * as entry from "../../src/model/entry.js";
import { FrameKind } from "../../src/model/state.js";
import { entryPages, tableIndex } from "../../src/model/walk.js";
import { concatenate, fileHead, Message, record } from "./writer.js";

export const kinds = [
  { name: "fork-begin", arguments: ["flags", "parent_mm", "free_frames"] },
  { name: "fork-phase", arguments: ["phase", "cycles", "free_frames"] },
  { name: "fork-end", arguments: ["child_pid", "ptes", "tables", "vmas", "errno"] },
  { name: "cow-break", arguments: ["address", "old_pfn", "new_pfn"] },
  { name: "cow-reuse", arguments: ["address", "pfn"] },
  { name: "fault", arguments: ["address", "access", "outcome", "pfn", "rip"] },
  { name: "exec", arguments: ["entry", "stack"] },
  { name: "exit", arguments: ["status"] },
  { name: "switch", arguments: ["from_pid", "to_pid"] },
  { name: "reap", arguments: ["pid", "status"] },
] as const;
export type KindName = (typeof kinds)[number]["name"];

interface GuestTable {
  readonly frame: number;
  readonly level: number;
  readonly entries: Map<number, [flags: number, target: number]>;
}

interface GuestTask {
  readonly pid: number;
  readonly mm: number;
  readonly root: GuestTable;
}

const pageFlags =
  entry.present | entry.user | entry.writable | entry.accessed | entry.dirty | entry.noExecute;
const tableFlags = entry.present | entry.user | entry.writable | entry.accessed;

export class Guest {
  readonly tasks = new Map<number, GuestTask>();
  readonly #parts: Uint8Array[] = [new Uint8Array(fileHead)];
  readonly #tables = new Map<number, GuestTable>();
  readonly #references = new Map<number, number>();
  readonly #free: number[] = [];
  #nextFrame = 16;
  #nextPid = 2;
  #nextMm = 1;
  #change: Message | undefined = new Message();
  #tablesChanged = new Map<number, Message>();
  #events: Message[] = [];
  #eventCount = 0;
  #tsc = 1000;

  constructor(
    readonly frames: number,
    readonly firstPage: number,
    readonly pages: number,
    // The mapping shows this file; of no file, a recording of version 1, which has no names.
    readonly file = "",
  ) {
    const header = new Message().number(1, file === "" ? 1 : 2).string(2, "./made_up").string(2, "--loud");
    header
      .string(3, "classic")
      .number(4, frames * 4096)
      .number(5, 2_000_000);
    header.number(6, 0x7000_0000_0000).number(7, 0x7000_0000_0000).string(9, "made up");
    for (const kind of kinds) {
      const message = new Message().string(1, kind.name);
      for (const name of kind.arguments) message.string(2, name);
      header.message(13, message);
    }
    for (const state of ["running", "interruptible", "uninterruptible", "stopped", "zombie"])
      header.string(14, state);
    for (const state of [
      "free",
      "reserved",
      "table",
      "slab",
      "stack",
      "kernel",
      "anon",
      "file",
      "zero",
    ]) {
      header.string(15, state);
    }
    for (const phase of [
      "entry",
      "task",
      "files",
      "signals",
      "vmas",
      "tables",
      "publish",
      "return",
    ]) {
      header.string(16, phase);
    }
    header.string(17, "classic").string(18, "boot").string(18, "system call").string(18, "fault");
    this.#parts.push(record(1, header));
    this.#frame(0, FrameKind.reserved);
    this.#frame(3, FrameKind.zero);
    this.#makeTask(0, this.#table(4));
    if (file !== "") this.#changing().message(10, new Message().number(1, 1).string(2, file));
    const keyframe = new Message().message(2, this.#takeChange());
    this.#parts.push(record(2, keyframe));
  }

  // The recording so far.
  bytes(): Uint8Array {
    return concatenate(this.#parts);
  }

  end(): Uint8Array {
    this.#parts.push(record(6, new Message().number(4, this.#eventCount)));
    return this.bytes();
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  finding(pid: number, page: number, text: string): void {
    const finding = new Message().number(1, this.#eventCount - 1).number(2, 1);
    finding.string(3, "private sharing is never writable").string(4, text).number(5, pid);
    this.#parts.push(record(4, finding.number(7, page * 4096)));
  }

  // The task's first touch of a page.
  touch(pid: number, page: number): void {
    const frame = this.#allocate(FrameKind.anon);
    this.#references.set(frame, 1);
    const table = this.#leaf(this.tasks.get(pid)!.root, page);
    this.#set(table, tableIndex(page, 1), pageFlags, frame);
    this.event("fault", pid, [page * 4096, 1, 0, frame, 0x401000]);
    this.step(3);
  }

  // Many first touches, as one change without an event.
  populate(pid: number, first: number, count: number): void {
    for (let page = first; page < first + count; ++page) {
      const frame = this.#allocate(FrameKind.anon, true);
      this.#references.set(frame, 1);
      this.#set(this.#leaf(this.tasks.get(pid)!.root, page), tableIndex(page, 1), pageFlags, frame);
    }
    this.#writeFramesOf(first, count, pid);
    this.step(0);
  }

  fork(parent: number): number {
    const { root } = this.tasks.get(parent)!;
    const child = this.#copyTable(root);
    const pid = this.#makeTask(parent, child);
    this.event("fork-begin", parent, [0, 0x343040, 64677]);
    for (let phase = 0; phase < 8; ++phase)
      this.event("fork-phase", parent, [phase, 400 + 137 * phase * phase, 0]);
    this.event("fork-end", parent, [pid, 2, 4, 1, 0]);
    this.step(2);
    return pid;
  }

  write(pid: number, page: number): void {
    const table = this.#leaf(this.tasks.get(pid)!.root, page);
    const index = tableIndex(page, 1);
    const [flags, frame] = table.entries.get(index)!;
    if ((flags & entry.copyOnWrite) === 0) return;
    const users = this.#references.get(frame)!;
    let target = frame;
    if (users > 1) {
      target = this.#allocate(FrameKind.anon);
      this.#references.set(frame, users - 1);
      this.#references.set(target, 1);
      this.event("cow-break", pid, [page * 4096, frame, target]);
    } else {
      this.event("cow-reuse", pid, [page * 4096, frame]);
    }
    this.#set(table, index, pageFlags, target);
    this.event("fault", pid, [page * 4096, 1, 0, target, 0x401000]);
    this.step(3);
  }

  switchTo(from: number, to: number): void {
    this.event("switch", from, [from, to]);
    this.#changing().always(9, to);
    this.step(2);
  }

  exit(pid: number): void {
    const task = this.tasks.get(pid)!;
    this.#drop(task.root);
    this.#changing().packed(1, [pid]).packed(3, [task.mm]);
    this.tasks.delete(pid);
    this.event("exit", pid, [0]);
    this.step(2);
  }

  event(kind: KindName, pid: number, values: readonly number[]): void {
    const message = new Message().number(
      1,
      kinds.findIndex(({ name }) => name === kind),
    );
    message
      .number(2, pid)
      .number(3, this.#events.length === 0 ? 0 : 700)
      .packed(4, values);
    this.#events.push(message);
  }

  step(safepoint: number): void {
    const step = new Message().number(1, this.#eventCount).number(2, this.#tsc);
    for (const event of this.#events) step.message(3, event);
    step.number(4, safepoint);
    this.#eventCount += this.#events.length;
    this.#tsc += 900 * (this.#events.length + 1);
    this.#events = [];
    step.message(6, this.#takeChange());
    this.#parts.push(record(3, step));
  }

  // ---- Inside ----

  // Messages take fields in any order; the page's reader applies them as they come, so removed ones
  // are written before what is made.
  #changing(): Message {
    return (this.#change ??= new Message());
  }

  #takeChange(): Message {
    const change = this.#changing();
    for (const table of this.#tablesChanged.values()) change.message(6, table);
    this.#tablesChanged = new Map();
    this.#change = undefined;
    return change;
  }

  #frame(frame: number, kind: FrameKind, count = 1): void {
    this.#changing().message(
      7,
      new Message()
        .number(1, frame)
        .number(2, count === 1 ? 0 : count)
        .number(3, kind),
    );
  }

  #allocate(kind: FrameKind, quiet = false): number {
    const frame = this.#free.pop() ?? this.#nextFrame++;
    if (frame >= this.frames) throw new Error("the made-up guest has no memory left");
    if (!quiet) this.#frame(frame, kind);
    return frame;
  }

  #release(frame: number): void {
    this.#free.push(frame);
    this.#frame(frame, FrameKind.free);
  }

  #writeFramesOf(first: number, count: number, pid: number): void {
    const { root } = this.tasks.get(pid)!;
    for (let page = first; page < first + count; ++page) {
      const start = this.#leaf(root, page).entries.get(tableIndex(page, 1))![1];
      let run = 1;
      while (page + run < first + count) {
        const next = this.#leaf(root, page + run).entries.get(tableIndex(page + run, 1))![1];
        if (next !== start + run) break;
        ++run;
      }
      this.#frame(start, FrameKind.anon, run);
      page += run - 1;
    }
  }

  #tableMessage(table: GuestTable): Message {
    let message = this.#tablesChanged.get(table.frame);
    if (message === undefined) {
      message = new Message().number(1, table.frame);
      this.#tablesChanged.set(table.frame, message);
    }
    return message;
  }

  #table(level: number): GuestTable {
    const table: GuestTable = { frame: this.#allocate(FrameKind.table), level, entries: new Map() };
    this.#tables.set(table.frame, table);
    this.#tableMessage(table).number(2, level);
    return table;
  }

  #set(table: GuestTable, index: number, flags: number, target: number): void {
    table.entries.set(index, [flags, target]);
    const run = new Message().number(1, index).number(3, flags).number(4, target);
    this.#tableMessage(table).message(5, run);
  }

  #leaf(root: GuestTable, page: number): GuestTable {
    let table = root;
    for (let level = 4; level > 1; --level) {
      const index = Math.floor(page / entryPages(level)) % 512;
      const known = table.entries.get(index);
      if (known !== undefined) {
        table = this.#tables.get(known[1])!;
        continue;
      }
      const below = this.#table(level - 1);
      this.#set(table, index, tableFlags, below.frame);
      table = below;
    }
    return table;
  }

  #makeTask(parent: number, root: GuestTable): number {
    const pid = this.#nextPid++;
    const mm = this.#nextMm++;
    const vma = new Message().number(1, this.firstPage).number(2, this.pages).number(3, 3);
    if (this.file !== "") vma.number(4, 0x4000).number(6, 1);
    const mmMessage = new Message()
      .number(1, mm)
      .number(2, 0x343040 + 280 * mm)
      .number(3, root.frame);
    const task = new Message().number(1, pid).number(2, pid).number(3, parent).always(4, 0);
    this.#changing()
      .message(2, task.string(5, "made_up").number(6, mm))
      .message(4, mmMessage.message(7, vma));
    this.tasks.set(pid, { pid, mm, root });
    return pid;
  }

  // A copy of a tree, as classic fork makes it: pages become copy-on-write on both sides.
  #copyTable(table: GuestTable): GuestTable {
    // The parent's message first: the child's entries are copies of what the parent's become.
    if (table.level === 1) this.#tableMessage(table);
    const copy = this.#table(table.level);
    if (table.level > 1) {
      for (const [index, [flags, target]] of table.entries) {
        this.#set(copy, index, flags, this.#copyTable(this.#tables.get(target)!).frame);
      }
      return copy;
    }
    const run = new Message().always(2, 512).number(3, entry.writable).number(4, entry.copyOnWrite);
    this.#tableMessage(table).message(4, run);
    for (const [index, [flags, target]] of table.entries) {
      const shared = (flags & ~entry.writable) | entry.copyOnWrite;
      table.entries.set(index, [shared, target]);
      copy.entries.set(index, [shared, target]);
      this.#references.set(target, this.#references.get(target)! + 1);
    }
    this.#tableMessage(copy).message(3, new Message().number(1, table.frame));
    return copy;
  }

  #drop(table: GuestTable): void {
    for (const [, target] of table.entries.values()) {
      if (table.level > 1) {
        this.#drop(this.#tables.get(target)!);
        continue;
      }
      const users = this.#references.get(target)! - 1;
      this.#references.set(target, users);
      if (users === 0) this.#release(target);
    }
    this.#tables.delete(table.frame);
    this.#changing().packed(5, [table.frame]);
    this.#release(table.frame);
  }
}

// A process that forks children, which write pages and exit: `pages` pages and at least `events` events.
export function madeUpRecording(pages: number, events: number): Uint8Array {
  const first = 0x10000;
  const guest = new Guest(4 * pages + 4096, first, pages + 64);
  guest.populate(2, first, pages);
  for (let round = 0; guest.eventCount < events; ++round) {
    const child = guest.fork(2);
    guest.switchTo(2, child);
    const start = first + ((round * 977) % pages);
    for (let i = 0; i < 200 && guest.eventCount < events; ++i)
      guest.write(child, start + (i % (first + pages - start)));
    guest.exit(child);
  }
  return guest.end();
}
