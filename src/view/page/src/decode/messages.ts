// SPDX-License-Identifier: Apache-2.0
//
// The messages of proto/recording.proto about a run and its events. Those about state are not made
// into objects: change.ts reads them straight into the history.
import type { Reader, Wide } from "./wire.js";

export interface EventKind {
  readonly name: string;
  readonly arguments: readonly string[];
}

export interface Header {
  readonly version: number;
  readonly program: readonly string[];
  readonly strategy: string;
  readonly ramBytes: number;
  readonly tscKhz: number;
  readonly kernelBase: number;
  readonly userEnd: number;
  readonly host: string;
  readonly unixTime: number;
  readonly eventKinds: readonly EventKind[];
  readonly taskStates: readonly string[];
  readonly frameStates: readonly string[];
  readonly forkPhases: readonly string[];
  readonly strategies: readonly string[];
  readonly safepoints: readonly string[];
  readonly systemCalls: ReadonlyMap<number, string>;
}

export function readHeader(reader: Reader): Header {
  const program: string[] = [];
  const eventKinds: EventKind[] = [];
  const systemCalls = new Map<number, string>();
  const lists = new Map<number, string[]>([14, 15, 16, 17, 18].map((field) => [field, []]));
  const strings = new Map<number, string>();
  const numbers = new Map<number, number>();
  reader.fields((field) => {
    if (field === 2) program.push(reader.string());
    else if (field === 3 || field === 9) strings.set(field, reader.string());
    else if ([1, 4, 5, 6, 7, 12].includes(field)) numbers.set(field, reader.safe());
    else if (field === 13) eventKinds.push(readEventKind(reader.message()));
    else if (lists.has(field)) lists.get(field)!.push(reader.string());
    else if (field === 19) readSystemCall(reader.message(), systemCalls);
    else return false;
    return true;
  });
  const number = (field: number) => numbers.get(field) ?? 0;
  const string = (field: number) => strings.get(field) ?? "";
  return {
    version: number(1),
    program,
    strategy: string(3),
    ramBytes: number(4),
    tscKhz: number(5),
    kernelBase: number(6),
    userEnd: number(7),
    host: string(9),
    unixTime: number(12),
    eventKinds,
    taskStates: lists.get(14)!,
    frameStates: lists.get(15)!,
    forkPhases: lists.get(16)!,
    strategies: lists.get(17)!,
    safepoints: lists.get(18)!,
    systemCalls,
  };
}

function readEventKind(reader: Reader): EventKind {
  let name = "";
  const names: string[] = [];
  reader.fields((field) => {
    if (field === 1) name = reader.string();
    else if (field === 2) names.push(reader.string());
    else return false;
    return true;
  });
  return { name, arguments: names };
}

function readSystemCall(reader: Reader, into: Map<number, string>): void {
  let nr = 0;
  let name = "";
  reader.fields((field) => {
    if (field === 1) nr = reader.uint32();
    else if (field === 2) name = reader.string();
    else return false;
    return true;
  });
  into.set(nr, name);
}

export interface Event {
  readonly number: number; // over the recording, from 0
  readonly step: number;
  readonly kind: number; // index into Header.eventKinds
  readonly pid: number;
  readonly tsc: number; // cycles since the recording's first step
  readonly arguments: readonly Wide[]; // zeroes at the end are left out
}

export interface RawEvent {
  kind: number;
  pid: number;
  after: number;
  arguments: Wide[];
}

export function readEvent(reader: Reader): RawEvent {
  const event: RawEvent = { kind: 0, pid: 0, after: 0, arguments: [] };
  reader.fields((field) => {
    if (field === 1) event.kind = reader.uint32();
    else if (field === 2) event.pid = reader.uint32();
    else if (field === 3) event.after = reader.safe();
    else if (field === 4) event.arguments = reader.packed((inner) => inner.uint64());
    else return false;
    return true;
  });
  return event;
}

export interface Finding {
  readonly step: number; // found at its end
  readonly event: number;
  readonly invariant: number;
  readonly rule: string;
  readonly text: string;
  readonly pid: number; // 0: none
  readonly mm: number; // 0: none
  readonly address: Wide;
  readonly frame: number | undefined;
}

export function readFinding(reader: Reader, step: number): Finding {
  let [event, invariant, pid, mm] = [0, 0, 0, 0];
  let [rule, text] = ["", ""];
  let address: Wide = 0;
  let frame: number | undefined;
  reader.fields((field) => {
    if (field === 1) event = reader.safe();
    else if (field === 2) invariant = reader.uint32();
    else if (field === 3) rule = reader.string();
    else if (field === 4) text = reader.string();
    else if (field === 5) pid = reader.uint32();
    else if (field === 6) mm = reader.uint32();
    else if (field === 7) address = reader.uint64();
    else if (field === 8) frame = reader.uint32();
    else return false;
    return true;
  });
  return { step, event, invariant, rule, text, pid, mm, address, frame };
}

export const enum How {
  exited,
  stopped,
  guestFailed,
  timeout,
  interrupted,
}

export interface End {
  readonly how: How;
  readonly waitStatus: number;
  readonly message: string;
  readonly events: number; // of the run, not only those recorded
}

export function readEnd(reader: Reader): End {
  let [how, waitStatus, events] = [0, 0, 0];
  let message = "";
  reader.fields((field) => {
    if (field === 1) how = reader.uint32();
    else if (field === 2) waitStatus = reader.uint32();
    else if (field === 3) message = reader.string();
    else if (field === 4) events = reader.safe();
    else return false;
    return true;
  });
  return { how, waitStatus, message, events };
}
