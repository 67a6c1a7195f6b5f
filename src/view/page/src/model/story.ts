// SPDX-License-Identifier: Apache-2.0
//
// Events in words, and what follows from their sequence: forks with their phases. Kinds and arguments
// go by the names in the recording's header, so that a kind this page does not know is shown as it is.
import type { Event, Header } from "../decode/messages.js";
import type { Recording } from "../decode/recording.js";
import type { Wide } from "../decode/wire.js";

// Lanes of the timeline.
export const groups = ["fork", "cow", "fault", "exec", "exit", "switch", "call", "other"] as const;
export type Group = (typeof groups)[number];

const groupOfKind: Record<string, Group> = {
  "fork-begin": "fork",
  "fork-phase": "fork",
  "fork-end": "fork",
  "new-task": "fork",
  "cow-break": "cow",
  "cow-reuse": "cow",
  fault: "fault",
  exec: "exec",
  exit: "exit",
  reap: "exit",
  switch: "switch",
  "syscall-enter": "call",
  "syscall-exit": "call",
  "missing-syscall": "call",
};

// The higher, the more it says what a step was about.
const weightOfKind: Record<string, number> = {
  "fork-end": 9,
  "cow-break": 8,
  exec: 8,
  exit: 8,
  "cow-reuse": 7,
  "core-dump": 7,
  reap: 6,
  "out-of-memory": 6,
  fault: 5,
  switch: 4,
  signal: 4,
  map: 3,
  unmap: 3,
  protect: 3,
  "fork-begin": 3,
  "new-task": 3,
  "syscall-enter": 2,
  "syscall-exit": 2,
  "fork-phase": 0,
};

export interface ForkPhase {
  readonly name: string;
  readonly cycles: number;
}

export interface Fork {
  readonly parent: number; // pid
  readonly child: number; // pid; 0: it failed
  readonly firstStep: number; // with fork-begin
  readonly step: number; // with fork-end: the child is there after it
  readonly phases: readonly ForkPhase[];
  readonly entries: number;
  readonly tables: number;
  readonly mappings: number;
  readonly errno: number;
}

export function numeric(value: Wide | undefined): number {
  return value === undefined ? 0 : Number(value);
}

export class Story {
  // Forks in the order in which they ended.
  readonly forks: Fork[] = [];
  #read = 0;
  #open = new Map<number, { firstStep: number; phases: ForkPhase[] }>();

  constructor(readonly recording: Recording) {}

  get header(): Header | undefined {
    return this.recording.header;
  }

  // Takes in the events that have come since.
  update(): void {
    const { events } = this.recording;
    for (; this.#read < events.length; ++this.#read) {
      const event = events[this.#read]!;
      const kind = this.kind(event);
      if (kind === "fork-begin") {
        this.#open.set(event.pid, { firstStep: event.step, phases: [] });
      } else if (kind === "fork-phase") {
        const name = this.header?.forkPhases[this.argument(event, "phase")] ?? "?";
        this.#open.get(event.pid)?.phases.push({ name, cycles: this.argument(event, "cycles") });
      } else if (kind === "fork-end") {
        this.#endFork(event);
      }
    }
  }

  #endFork(event: Event): void {
    const begun = this.#open.get(event.pid);
    this.#open.delete(event.pid);
    this.forks.push({
      parent: event.pid,
      child: this.argument(event, "child_pid"),
      firstStep: begun?.firstStep ?? event.step,
      step: event.step,
      phases: begun?.phases ?? [],
      entries: this.argument(event, "ptes"),
      tables: this.argument(event, "tables"),
      mappings: this.argument(event, "vmas"),
      errno: this.argument(event, "errno"),
    });
  }

  // The last fork that ended in step `step` or before.
  forkBefore(step: number): Fork | undefined {
    let low = 0;
    let high = this.forks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.forks[middle]!.step <= step) low = middle + 1;
      else high = middle;
    }
    return this.forks[low - 1];
  }

  kind(event: Event): string {
    return this.header?.eventKinds[event.kind]?.name ?? `kind ${event.kind}`;
  }

  group(event: Event): Group {
    return groupOfKind[this.kind(event)] ?? "other";
  }

  argument(event: Event, name: string): number {
    const at = this.header?.eventKinds[event.kind]?.arguments.indexOf(name) ?? -1;
    return at < 0 ? 0 : numeric(event.arguments[at]);
  }

  eventsOf(step: number): readonly Event[] {
    const of = this.recording.steps[step];
    return of === undefined
      ? []
      : this.recording.events.slice(of.firstEvent, of.firstEvent + of.events);
  }

  // The event that says best what a step was about; undefined if it has none.
  headline(step: number): Event | undefined {
    let best: Event | undefined;
    let weight = -1;
    for (const event of this.eventsOf(step)) {
      const own = weightOfKind[this.kind(event)] ?? 1;
      if (own >= weight) [best, weight] = [event, own];
    }
    return best;
  }

  describe(event: Event): string {
    const of = (name: string) => this.argument(event, name);
    const who = `pid ${event.pid}`;
    const at = () => hexOf(of("address"));
    switch (this.kind(event)) {
      case "fork-begin":
        return `${who} starts to fork`;
      case "fork-phase":
        return `phase ${this.header?.forkPhases[of("phase")] ?? of("phase")}: ${of("cycles").toLocaleString("en")} cycles`;
      case "fork-end":
        if (of("child_pid") === 0 || of("errno") !== 0)
          return `${who}: fork failed, error ${of("errno")}`;
        return `${who} forked pid ${of("child_pid")}: ${of("ptes")} entries, ${of("tables")} tables`;
      case "cow-break":
        return `${who} wrote ${at()}: frame ${hexOf(of("old_pfn"))} copied to ${hexOf(of("new_pfn"))}`;
      case "cow-reuse":
        return `${who} wrote ${at()}: frame ${hexOf(of("pfn"))} is its own again, no copy`;
      case "fault":
        return `${who} ${["read", "wrote", "executed"][of("access")] ?? "touched"} ${at()}, now frame ${hexOf(of("pfn"))}`;
      case "exec":
        return `${who} executes another program, entry ${hexOf(of("entry"))}`;
      case "exit":
        return `${who} exits, ${describeStatus(of("status"))}`;
      case "reap":
        return `${who} reaps pid ${of("pid")}, ${describeStatus(of("status"))}`;
      case "switch":
        return `CPU goes from pid ${of("from_pid")} to pid ${of("to_pid")}`;
      case "new-task":
        return `pid ${of("child_pid")} is there, child of pid ${of("parent_pid")}`;
      case "syscall-enter":
        return `${who} calls ${this.callName(of("nr"))}`;
      case "syscall-exit":
        return `${who}: ${this.callName(of("nr"))} returns ${this.#result(event)}`;
      case "signal":
        return `${who} sends signal ${of("signo")} to pid ${of("to_pid")}`;
      default:
        return `${who} ${this.kind(event)}${this.#plainArguments(event)}`;
    }
  }

  // The same shorter, without the pid: for a narrow list.
  brief(event: Event): string {
    const of = (name: string) => this.argument(event, name);
    switch (this.kind(event)) {
      case "cow-break":
        return `write ${hexOf(of("address"))}: copy ${of("old_pfn").toString(16)} to ${of("new_pfn").toString(16)}`;
      case "cow-reuse":
        return `write ${hexOf(of("address"))}: reuse ${of("pfn").toString(16)}`;
      case "fault":
        return `fault ${hexOf(of("address"))}, frame ${of("pfn").toString(16)}`;
      case "fork-begin":
        return "fork begins";
      case "fork-end":
        return of("child_pid") === 0
          ? `fork failed, error ${of("errno")}`
          : `fork: pid ${of("child_pid")}`;
      case "fork-phase":
        return this.describe(event);
      case "switch":
        return `switch to pid ${of("to_pid")}`;
      case "exit":
        return `exit, ${describeStatus(of("status"))}`;
      case "reap":
        return `reap pid ${of("pid")}`;
      case "new-task":
        return `pid ${of("child_pid")} is there`;
      case "signal":
        return `signal ${of("signo")} to pid ${of("to_pid")}`;
      case "syscall-enter":
        return `${this.callName(of("nr"))} ...`;
      case "syscall-exit":
        return `${this.callName(of("nr"))} = ${this.#result(event)}`;
      default:
        return `${this.kind(event)}${this.#plainArguments(event)}`;
    }
  }

  callName(nr: number): string {
    return this.header?.systemCalls.get(nr) ?? `system call ${nr}`;
  }

  #result(event: Event): string {
    const value = BigInt.asIntN(64, BigInt(event.arguments[1] ?? 0));
    return value > 0xffffffn ? `0x${value.toString(16)}` : value.toString();
  }

  #plainArguments(event: Event): string {
    const names = this.header?.eventKinds[event.kind]?.arguments ?? [];
    return event.arguments.map((value, i) => ` ${names[i] ?? i}=${hexOf(value)}`).join("");
  }
}

export function hexOf(value: Wide): string {
  return `0x${value.toString(16)}`;
}

export function describeStatus(status: number): string {
  const signal = status & 0x7f;
  return signal === 0 ? `status ${(status >> 8) & 0xff}` : `signal ${signal}`;
}

export function microseconds(cycles: number, header: Header): string {
  if (header.tscKhz === 0) return `${cycles.toLocaleString("en")} cycles`;
  const us = (cycles * 1000) / header.tscKhz;
  return us < 10_000 ? `${us.toFixed(1)} µs` : `${(us / 1000).toFixed(2)} ms`;
}
