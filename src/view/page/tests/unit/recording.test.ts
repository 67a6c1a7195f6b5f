// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { crc32c } from "../../src/decode/crc32c.js";
import { Recording } from "../../src/decode/recording.js";
import { FormatError } from "../../src/decode/stream.js";
import * as entry from "../../src/model/entry.js";
import { computeSharing, mappersOf } from "../../src/model/sharing.js";
import type { State, Vma } from "../../src/model/state.js";
import { pagesOfSpace } from "../../src/model/state.js";
import { walk } from "../../src/model/walk.js";
import { Guest, madeUpRecording } from "../support/guest.js";
import { concatenate, fileHead, Message, record } from "../support/writer.js";

const firstPage = 0x10000;

// Everything in a state, as a short text to compare.
function image(state: State): string {
  const everything = {
    tasks: [...state.tasks.entries()].sort(([a], [b]) => a - b),
    mms: [...state.mms.entries()].sort(([a], [b]) => a - b),
    tables: [...state.tables.values()]
      .sort((a, b) => a.frame - b.frame)
      .map(({ frame, level, words }) => ({ frame, level, words: [...words] })),
    running: [...state.running.entries()],
    kinds: [...state.frameKind],
    extras: [...state.frameExtra],
  };
  return createHash("sha256").update(JSON.stringify(everything)).digest("hex");
}

function read(bytes: Uint8Array): Recording {
  const recording = new Recording();
  recording.push(bytes);
  recording.finish();
  return recording;
}

function forkOfTwoPages(): Guest {
  const guest = new Guest(512, firstPage, 2);
  guest.touch(2, firstPage);
  guest.touch(2, firstPage + 1);
  const child = guest.fork(2);
  guest.switchTo(2, child);
  guest.write(child, firstPage);
  guest.exit(child);
  guest.write(2, firstPage);
  guest.write(2, firstPage + 1);
  return guest;
}

test("a fork shares frames, a write copies one, the end gives them back", () => {
  const recording = read(forkOfTwoPages().end());
  assert.equal(recording.problem, "");
  const { state } = recording.history!;
  const at = (position: number, mm: number, page: number) => {
    recording.history!.seek(position);
    return walk(state, state.mms.get(mm)!, page)[3]!;
  };
  const before = at(2, 1, firstPage);
  assert.ok((before.flags & entry.writable) !== 0);
  const parent = at(3, 1, firstPage);
  const child = at(3, 2, firstPage);
  assert.equal(parent.frame, before.frame);
  assert.equal(child.frame, before.frame);
  assert.equal(parent.flags & (entry.writable | entry.copyOnWrite), entry.copyOnWrite);
  assert.equal(computeSharing(state).mappings[before.frame], 2);
  assert.deepEqual(
    mappersOf(state, before.frame).map(({ mm, page }) => [mm.id, page]),
    [
      [1, firstPage],
      [2, firstPage],
    ],
  );
  const copied = at(5, 2, firstPage);
  assert.notEqual(copied.frame, before.frame);
  assert.equal(at(8, 1, firstPage).frame, before.frame);
  assert.equal(state.mms.size, 1);
});

test("every step back gives the state that was there", () => {
  const recording = read(madeUpRecording(700, 300));
  const history = recording.history!;
  assert.ok(history.steps >= 99, `${history.steps} steps`);
  const images: string[] = [];
  for (let position = 0; position <= history.steps; ++position) {
    history.seek(position);
    if (position % 9 === 0) images[position] = image(history.state);
  }
  for (let position = history.steps; position >= 0; --position) {
    history.seek(position);
    if (images[position] !== undefined) assert.equal(image(history.state), images[position]);
  }
  // And far jumps.
  for (const position of [90, 0, 99, 45, 81]) {
    history.seek(position);
    assert.equal(image(history.state), images[position]);
  }
});

test("a mapping ends where address spaces do", () => {
  const { state } = read(new Guest(512, firstPage, 2 ** 50).end()).history!;
  const [{ page, pages }] = [...state.mms.values()][0]!.vmas as [Vma];
  assert.equal(page, firstPage);
  assert.equal(page + pages, pagesOfSpace);
});

test("pieces of any size give the same recording", () => {
  const bytes = forkOfTwoPages().end();
  const whole = read(bytes);
  const pieces = new Recording();
  for (let at = 0; at < bytes.length; at += 7) pieces.push(bytes.subarray(at, at + 7));
  pieces.finish();
  assert.equal(pieces.problem, "");
  assert.deepEqual(pieces.events, whole.events);
  assert.deepEqual(image(pieces.history!.state), image(whole.history!.state));
});

test("what comes while the view is in the past leaves the view there", () => {
  const guest = forkOfTwoPages();
  const bytes = guest.bytes();
  const recording = new Recording();
  recording.push(bytes);
  recording.history!.seek(3);
  const before = image(recording.history!.state);
  const more = guest.end().subarray(bytes.length);
  recording.push(more);
  assert.equal(recording.history!.position, 3);
  assert.equal(image(recording.history!.state), before);
  assert.ok(recording.end !== undefined);
});

test("a recording that breaks off is read up to its last whole record", () => {
  const bytes = forkOfTwoPages().end();
  const recording = read(bytes.subarray(0, bytes.length - 20));
  assert.match(recording.problem, /breaks off/);
  assert.ok(recording.history!.steps >= 7);
});

test("recordings of all versions are read, of later ones not", () => {
  const old = read(forkOfTwoPages().end());
  assert.equal(old.header!.version, 1);
  assert.equal(old.problem, "");
  assert.equal(old.names.files.size, 0);
  assert.equal(old.history!.state.mms.get(1)!.vmas[0]!.file, 0);

  const guest = new Guest(512, firstPage, 2, "/lib/libmade_up.so.1");
  guest.fork(2);
  const named = read(guest.end());
  assert.equal(named.header!.version, 2);
  for (const mm of named.history!.state.mms.values())
    assert.equal(named.names.files.get(mm.vmas[0]!.file), "/lib/libmade_up.so.1");

  const later = new Message().number(1, 3).string(2, "./p");
  const refused = read(concatenate([new Uint8Array(fileHead), record(1, later)]));
  assert.match(refused.problem, /version 3/);
});

test("a recording without an end says so", () => {
  assert.match(read(forkOfTwoPages().bytes()).problem, /no end/);
});

test("a damaged byte ends the recording before its record, wherever it is", () => {
  const bytes = forkOfTwoPages().end();
  const steps = read(bytes).history!.steps;
  for (let at = 16; at < bytes.length; at += 11) {
    const damaged = bytes.slice();
    damaged[at]! ^= 0x10;
    const recording = read(damaged);
    assert.notEqual(recording.problem, "", `byte ${at}`);
    assert.ok((recording.history?.steps ?? 0) <= steps);
  }
});

test("a file that is something else is refused", () => {
  assert.throws(
    () => read(new TextEncoder().encode("#!/bin/sh\necho no recording\n")),
    FormatError,
  );
  const other = forkOfTwoPages().end();
  other[8] = 9;
  assert.throws(() => read(other), /version 9/);
});

test("random records never do worse than end the recording", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 0x7fffffff);
  const original = forkOfTwoPages();
  const bytes = original.end();
  for (let round = 0; round < 300; ++round) {
    // Past the checksums: the decoder itself has to hold.
    const recording = new Recording();
    const mutated = resum(bytes, random);
    recording.push(mutated);
    recording.finish();
    const { history } = recording;
    if (history === undefined) continue;
    const end = image(history.state);
    history.seek(0);
    history.seek(history.steps);
    assert.equal(image(history.state), end);
  }
});

test("findings come with the step that they are about", () => {
  const guest = forkOfTwoPages();
  guest.finding(2, firstPage, "entry of pid 2 is writable");
  guest.switchTo(2, 2);
  const recording = read(guest.end());
  assert.equal(recording.findings.length, 1);
  assert.equal(recording.findings[0]!.step, recording.steps.length - 2);
  assert.equal(recording.findings[0]!.address, firstPage * 4096);
  const accused = recording.events.filter(({ number }) => recording.isAccused(number));
  assert.deepEqual(
    accused.map(({ number }) => number),
    [recording.findings[0]!.event],
  );
});

// Changes one byte of each payload now and then and makes the checksum right again.
function resum(bytes: Uint8Array, random: () => number): Uint8Array {
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  for (let at = 16; at + 8 <= changed.length; ) {
    const length = view.getUint32(at, true);
    const end = at + 8 + length;
    if (random() % 4 === 0) changed[at + 8 + (random() % length)]! = random() & 0xff;
    view.setUint32(at + 4, crc32c(changed, at + 8, end, crc32c(changed, at, at + 4)), true);
    at = end;
  }
  return changed;
}
