// SPDX-License-Identifier: Apache-2.0
//
// A recording as it becomes known: bytes go in, in pieces of any size; header, events, findings and
// the history of the state come out. The history's position is left where it was, but at the end if
// it was there.
import { History } from "../model/history.js";
import { applyChange, clearState } from "./change.js";
import type { Names } from "./change.js";
import type { End, Event, Finding, Header } from "./messages.js";
import { readEnd, readEvent, readFinding, readHeader } from "./messages.js";
import { RecordStream } from "./stream.js";
import { Reader, WireError } from "./wire.js";

const schemaVersion = 2; // and all before
const maxFrames = 2 ** 26; // 256 GiB

// What came between two safepoints.
export interface Step {
  readonly firstEvent: number; // index into Recording.events
  readonly events: number;
  readonly safepoint: string; // what ended just before it; "": none
  readonly tsc: number; // of its last event: cycles since the recording's first step
}

export class Recording {
  header: Header | undefined;
  history: History | undefined; // once a keyframe has come
  readonly events: Event[] = [];
  readonly steps: Step[] = [];
  readonly findings: Finding[] = [];
  readonly #accused = new Set<number>(); // events with a finding
  readonly names: Names = { slabs: new Map(), files: new Map() };
  limit: number | undefined; // bytes: the recording stops here, the run went on
  end: End | undefined;
  problem = ""; // why reading stopped before the end, in words
  bytes = 0;
  #stream = new RecordStream();
  #firstTsc: number | undefined;

  // Throws FormatError if this is no recording.
  push(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    if (this.problem !== "") return;
    const records = this.#stream.push(bytes);
    const back = this.#atEnd() ? undefined : this.history?.position;
    this.history?.seek(this.history.steps);
    try {
      for (const record of records) this.#read(new Reader(record));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.history?.rollBack();
      this.events.length = this.#eventsOfSteps();
      this.problem = `the recording holds ${error.message}`;
    }
    if (this.#stream.damaged !== "") this.problem = `the recording holds ${this.#stream.damaged}`;
    if (back !== undefined) this.history?.seek(back);
  }

  // All bytes came: says so if the last record is not whole.
  finish(): void {
    if (this.problem !== "" || this.end !== undefined) return;
    this.problem =
      this.#stream.rest > 0
        ? "the recording breaks off inside a record"
        : "the recording has no end: its recorder was stopped";
  }

  // Whether the oracle found something at the event.
  isAccused(event: number): boolean {
    return this.#accused.has(event);
  }

  #keep(finding: Finding): void {
    this.findings.push(finding);
    this.#accused.add(finding.event);
  }

  #eventsOfSteps(): number {
    const last = this.steps.at(-1);
    return last === undefined ? 0 : last.firstEvent + last.events;
  }

  #atEnd(): boolean {
    return this.history === undefined || this.history.position === this.history.steps;
  }

  #read(reader: Reader): void {
    reader.fields((field) => {
      if (field === 1) this.#readHeader(reader.message());
      else if (field === 2) this.#readKeyframe(reader.message());
      else if (field === 3) this.#readStep(reader.message());
      else if (field === 4) {
        this.#keep(readFinding(reader.message(), Math.max(0, this.steps.length - 1)));
      } else if (field === 5) this.limit = readLimit(reader.message());
      else if (field === 6) this.end = readEnd(reader.message());
      else return false;
      return true;
    });
  }

  #readHeader(reader: Reader): void {
    const header = readHeader(reader);
    if (header.version > schemaVersion) {
      throw new WireError(`records of version ${header.version}; this page reads ${schemaVersion}`);
    }
    this.header = header;
  }

  #readKeyframe(reader: Reader): void {
    if (this.header === undefined) throw new WireError("a state before its header");
    const frames = this.header.ramBytes / 4096;
    if (!(frames > 0 && frames <= maxFrames)) throw new WireError("an impossible size of memory");
    const first = this.history === undefined;
    const history = (this.history ??= new History(frames));
    if (!first) clearState(history);
    reader.fields((field) => {
      if (field !== 2) return false;
      applyChange(reader.message(), history, this.names);
      return true;
    });
    if (first) {
      history.seal();
      return;
    }
    history.commit();
    const tsc = this.steps.at(-1)?.tsc ?? 0;
    this.steps.push({ firstEvent: this.events.length, events: 0, safepoint: "keyframe", tsc });
  }

  #readStep(reader: Reader): void {
    const { history, header } = this;
    if (history === undefined || header === undefined) throw new WireError("a step before a state");
    const firstEvent = this.events.length;
    const step = this.steps.length;
    let [tsc, safepoint] = [0, 0];
    reader.fields((field) => {
      if (field === 2) tsc = this.#relative(reader.safe());
      else if (field === 3) {
        const { kind, pid, after: cycles, arguments: values } = readEvent(reader.message());
        tsc += cycles;
        this.events.push({ number: this.events.length, step, kind, pid, tsc, arguments: values });
      } else if (field === 4) safepoint = reader.uint32();
      else if (field === 6) applyChange(reader.message(), history, this.names);
      else return false;
      return true;
    });
    history.commit();
    this.steps.push({
      firstEvent,
      events: this.events.length - firstEvent,
      safepoint: safepoint === 0 ? "" : (header.safepoints[safepoint - 1] ?? `${safepoint}`),
      tsc,
    });
  }

  #relative(tsc: number): number {
    this.#firstTsc ??= tsc;
    return tsc - this.#firstTsc;
  }
}

function readLimit(reader: Reader): number {
  let bytes = 0;
  reader.fields((field) => {
    if (field !== 1) return false;
    bytes = reader.safe();
    return true;
  });
  return bytes;
}
