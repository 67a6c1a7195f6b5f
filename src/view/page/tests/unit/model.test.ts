// SPDX-License-Identifier: Apache-2.0
//
// What follows from a state: who shares what, what a page amounts to, where two address spaces
// differ, and events in words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Recording } from "../../src/decode/recording.js";
import { compare, Difference } from "../../src/model/compare.js";
import * as entry from "../../src/model/entry.js";
import { classifyFrame, FrameClass } from "../../src/model/frames.js";
import { classify, computeSharing, PageClass } from "../../src/model/sharing.js";
import type { State } from "../../src/model/state.js";
import { Story } from "../../src/model/story.js";
import * as vmas from "../../src/model/vma.js";
import { walk } from "../../src/model/walk.js";
import { computeOwners, framesOf, mostOwners, Slots } from "../../src/model/owners.js";
import { planTour } from "../../src/tour/tour.js";
import { View } from "../../src/ui/view.js";
import { Guest } from "../support/guest.js";

const firstPage = 0x10000;

function forked(): Recording {
  const guest = new Guest(512, firstPage, 4);
  guest.touch(2, firstPage);
  guest.touch(2, firstPage + 1);
  const child = guest.fork(2);
  guest.write(child, firstPage);
  guest.exit(child);
  guest.write(2, firstPage);
  const recording = new Recording();
  recording.push(guest.end());
  recording.finish();
  return recording;
}

function pageClass(state: State, mm: number, page: number): PageClass {
  const hop = walk(state, state.mms.get(mm)!, page).find(({ table }) => table.level === 1);
  const { frame = 0 } = hop?.table ?? {};
  return classify(state, computeSharing(state), false, frame, hop?.flags ?? 0, hop?.frame ?? 0);
}

test("a page goes from own to copy-on-write to alone to own", () => {
  const { history } = forked();
  const { state } = history!;
  const classes = [2, 3, 4, 5, 6].map((position) => {
    history!.seek(position);
    return pageClass(state, 1, firstPage);
  });
  assert.deepEqual(classes, [
    PageClass.own,
    PageClass.cowShared,
    PageClass.cowAlone,
    PageClass.cowAlone,
    PageClass.own,
  ]);
});

test("a frame's class follows from its record and its mappings", () => {
  const { history } = forked();
  const { state } = history!;
  history!.seek(3);
  const frame = walk(state, state.mms.get(1)!, firstPage)[3]!.frame;
  const at = () => classifyFrame(state, computeSharing(state), frame);
  assert.equal(at(), FrameClass.cowShared);
  history!.seek(2);
  assert.equal(at(), FrameClass.own);
  history!.seek(0);
  assert.equal(at(), FrameClass.free);
});

test("a writable entry of a frame that others map is called broken", () => {
  const { history } = forked();
  const { state } = history!;
  history!.seek(3);
  const hop = walk(state, state.mms.get(1)!, firstPage)[3]!;
  hop.table.words[2 * hop.index] = hop.flags | entry.writable;
  assert.equal(pageClass(state, 1, firstPage), PageClass.broken);
  assert.equal(pageClass(state, 2, firstPage), PageClass.cowShared);
});

test("two address spaces are compared page by page", () => {
  const { history } = forked();
  const { state } = history!;
  const at = (position: number) => {
    history!.seek(position);
    return compare(state, state.mms.get(1)!, state.mms.get(2)!);
  };
  assert.equal(at(3).same, 2);
  assert.equal(at(3).first.size, 0);
  const after = at(4);
  assert.deepEqual([after.same, after.otherFrame], [1, 1]);
  assert.deepEqual([...after.first], [[firstPage, Difference.frame]]);
  assert.deepEqual([...after.second], [[firstPage, Difference.frame]]);
});

test("entries in bits, as the processor and as the oracle see them", () => {
  const flags = entry.present | entry.user | entry.copyOnWrite | entry.accessed | entry.noExecute;
  assert.equal(entry.rawHex(flags, 0x359), "0x8000000000359225");
  assert.equal(entry.letters(flags), "P-C--U-A-");
  assert.equal(entry.rawHex(1 << 23, 0), "0x4000000000000000");
});

test("mappings are found by page", () => {
  const vma = (page: number, pages: number) => ({
    page,
    pages,
    flags: 5,
    object: 1,
    offset: 0,
    file: 0,
  });
  const list = [vma(10, 2), vma(20, 1), vma(21, 9)];
  assert.equal(vmas.find(list, 11), list[0]);
  assert.equal(vmas.find(list, 12), undefined);
  assert.equal(vmas.find(list, 29), list[2]);
  assert.equal(vmas.find(list, 9), undefined);
  assert.equal(vmas.permissions(list[0]!), "r-xp");
  assert.equal(vmas.range(list[0]!), "0000a000-0000c000");
  assert.equal(vmas.title(list[0]!), "program text");
  assert.equal(vmas.title(list[0]!, "/usr/lib/libc.so.6"), "libc.so.6");
  assert.equal(vmas.title(list[0]!, "/tmp/x (deleted)"), "x (deleted)");
});

// Processes that have a frame, those made first.
function ownersAt(recording: Recording, position: number, frame: number): number[] {
  recording.history!.seek(position);
  const { count, processes } = computeOwners(recording.history!.state);
  const known = Math.min(count[frame]!, mostOwners);
  return [...processes.subarray(mostOwners * frame, mostOwners * frame + known)];
}

test("frames belong to the processes that map them, tables to those that walk them", () => {
  const recording = forked();
  const { state } = recording.history!;
  recording.history!.seek(3);
  const hops = walk(state, state.mms.get(1)!, firstPage);
  const shared = hops[3]!.frame;
  const table = hops[3]!.table.frame;
  assert.deepEqual(ownersAt(recording, 2, shared), [2]);
  assert.deepEqual(ownersAt(recording, 3, shared), [2, 3]);
  assert.deepEqual(ownersAt(recording, 3, table), [2]);
  assert.equal(framesOf(state, 3)[shared], 1);
  assert.equal(framesOf(state, 3)[table], 0);
  assert.deepEqual(ownersAt(recording, 5, shared), [2]); // the child is gone
});

test("processes that live at one time have different colours, each keeps its own", () => {
  const guest = new Guest(2048, firstPage, 2);
  guest.touch(2, firstPage);
  const children = [guest.fork(2), guest.fork(2)];
  guest.exit(children[0]!);
  const last = guest.fork(2);
  const recording = new Recording();
  recording.push(guest.bytes());
  const slots = new Slots();
  slots.update(recording.history!);
  const all = [2, ...children, last].map((process) => slots.slotOf(process));
  assert.deepEqual(all, [0, 1, 2, 1]); // the last one has what the first child left
  guest.exit(children[1]!);
  recording.push(guest.bytes().subarray(recording.bytes));
  const next = guest.fork(2);
  recording.push(guest.bytes().subarray(recording.bytes));
  slots.update(recording.history!);
  assert.deepEqual([2, last, next].map((process) => slots.slotOf(process)), [0, 1, 2]);
});

test("the story of a recording: its fork with phases, its events in words", () => {
  const recording = forked();
  const story = new Story(recording);
  story.update();
  assert.equal(story.forks.length, 1);
  const fork = story.forks[0]!;
  assert.deepEqual([fork.parent, fork.child, fork.step], [2, 3, 2]);
  assert.equal(fork.phases.length, 8);
  assert.equal(fork.phases[5]!.name, "tables");
  assert.equal(story.forkBefore(1), undefined);
  assert.equal(story.forkBefore(2), fork);
  const words = recording.events.map((event) => story.describe(event));
  assert.ok(
    words.some((text) => /^pid 3 wrote 0x10000000: frame 0x\w+ copied to 0x\w+$/.test(text)),
  );
  assert.ok(words.some((text) => text === "pid 3 exits, status 0"));
  assert.equal(story.kind(story.headline(3)!), "cow-break");
});

test("the view shows parent and child of the latest fork, or what was chosen", () => {
  const view = new View();
  view.open(forked(), false);
  assert.deepEqual([view.shown().first?.id, view.shown().second], [1, undefined]);
  view.seek(3);
  assert.deepEqual([view.shown().first?.id, view.shown().second?.id], [1, 2]);
  view.choose("first", 2);
  assert.equal(view.shown().first?.id, 2);
  view.seek(6); // the child is gone
  assert.equal(view.shown().first, undefined);
  view.setAutomatic(true);
  assert.equal(view.shown().first?.id, 1);
});

test("a live view follows until it is moved, and again when asked to", () => {
  const guest = new Guest(512, firstPage, 4);
  const recording = new Recording();
  recording.push(guest.bytes());
  const view = new View();
  view.open(recording, true);
  let sent = guest.bytes().length;
  const more = () => {
    const bytes = guest.bytes();
    recording.push(bytes.subarray(sent));
    sent = bytes.length;
    view.grown();
  };
  guest.touch(2, firstPage);
  more();
  assert.equal(view.position, 1);
  view.seek(0);
  guest.touch(2, firstPage + 1);
  more();
  assert.deepEqual([view.position, view.steps], [0, 2]);
  view.follow();
  assert.equal(view.position, 2);
  guest.touch(2, firstPage + 2);
  more();
  assert.equal(view.position, 3);
});

test("the tour has ten stops with the recording's own figures", () => {
  const view = new View();
  view.open(forked(), false);
  view.seek(1);
  const stops = planTour(view)!;
  assert.equal(stops.length, 10);
  assert.equal(view.position, 1); // planning goes nowhere
  assert.match(stops[4]!.text, /P-C--U-AD for the parent, P-C--U-AD for the child/);
  assert.match(stops[6]!.text, /copied frame 0x\w+ to a fresh one/);
  for (let i = 1; i < stops.length; ++i) assert.ok(stops[i]!.position >= stops[i - 1]!.position);
});
