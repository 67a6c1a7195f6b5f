// SPDX-License-Identifier: Apache-2.0
//
// The page's reader and the tests' writer against protoc and proto/recording.proto themselves, so
// that neither can drift from the schema.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Recording } from "../../src/decode/recording.js";
import { RecordStream } from "../../src/decode/stream.js";
import * as entry from "../../src/model/entry.js";
import { FrameKind } from "../../src/model/state.js";
import { crc32c } from "../../src/decode/crc32c.js";
import { Guest } from "../support/guest.js";
import { concatenate, fileHead } from "../support/writer.js";

declare const PAGE_ROOT: string; // given by build/test.mjs
const proto = join(PAGE_ROOT, "../../../proto");

function protoc(mode: "encode" | "decode", input: string | Uint8Array): Buffer {
  const schema = join(proto, "recording.proto");
  return execFileSync(
    "protoc",
    [`--${mode}=fv.recording.schema.Record`, `--proto_path=${proto}`, schema],
    { input, maxBuffer: 1 << 26 },
  );
}

function framed(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length, true);
  bytes.set(payload, 8);
  view.setUint32(4, crc32c(bytes, 8, bytes.length, crc32c(bytes, 0, 4)), true);
  return bytes;
}

const text = [
  `header { version: 2 program: "./p" program: "-x" strategy: "classic" ram_bytes: 1048576 tsc_khz: 2000000
     kernel_base: 123145302310912 host: "h" unix_time: 1700000000
     event_kinds { name: "boot" } event_kinds { name: "cow-break" arguments: "address" arguments: "old_pfn" }
     task_states: "running" frame_states: "free" fork_phases: "entry" strategies: "classic" strategies: "eager"
     safepoints: "boot" safepoints: "fault" system_calls { key: 57 value: "fork" } }`,
  `keyframe { state {
     tasks { pid: 2 tgid: 2 ppid: 1 state: 0 name: "p" mm: 1 stack: 9 }
     mms { id: 1 address: 4096 root: 10 strategy: 1 vmas { page: 16 pages: 4 flags: 3 object: 64 page_offset: 5 file: 1 } }
     tables { frame: 10 level: 4 entries { flags: 23 frame: 11 } }
     tables { frame: 11 level: 3 entries { flags: 23 frame: 12 } }
     tables { frame: 12 level: 2 entries { flags: 23 frame: 13 } }
     tables { frame: 13 level: 1
       entries { first: 16 count: 3 flags: 7 frame: 20 }
       entries { first: 30 count: 2 flags: 135 frame: 7 frames: SAME }
       entries { first: 40 count: 3 flags: 7 frame: 50 frames: STEPS steps: -2 steps: 10 } }
     frames { first: 10 count: 4 state: 2 } frames { first: 20 count: 3 state: 6 pins: 2 }
     frames { first: 60 state: 3 slab_cache: 1 } slab_caches { id: 1 name: "tasks" } running: 2
     file_names { id: 1 path: "/lib/x.so" } } }`,
  `step { tsc: 1000 events { kind: 1 pid: 2 arguments: 65536 arguments: 18446744073709551615 }
     events { kind: 0 pid: 2 after: 50 } safepoint: 2
     change { removed_tasks: 9
       tasks { pid: 3 tgid: 3 ppid: 2 name: "c" mm: 2 }
       mms { id: 2 root: 14 vmas_of: 1 removed_vmas: 16 vmas { page: 32 pages: 1 flags: 1 } }
       tables { frame: 13 flags { first: 0 count: 20 clear: 2 set: 8 } entries { first: 16 } }
       tables { frame: 15 level: 1 copy { from: 13 first: 17 count: 1 clear: 4 } }
       frames { first: 20 } running: 0 } }`,
  `finding { event: 1 invariant: 4 rule: "r" text: "t" pid: 2 mm: 1 address: 65536 frame: 0 }`,
  `limit { bytes: 77 }`,
  `end { how: TIMEOUT wait_status: 256 message: "m" events: 9 steps: 1 }`,
];

test("what protoc writes is read, field by field", () => {
  const recording = new Recording();
  recording.push(new Uint8Array(fileHead));
  for (const record of text) recording.push(framed(protoc("encode", record)));
  recording.finish();
  assert.equal(recording.problem, "");
  const header = recording.header!;
  assert.deepEqual(header.program, ["./p", "-x"]);
  assert.deepEqual(header.eventKinds[1], { name: "cow-break", arguments: ["address", "old_pfn"] });
  assert.equal(header.systemCalls.get(57), "fork");
  assert.equal(header.kernelBase, 0x7000_0000_0000);
  const history = recording.history!;
  const { state } = history;

  history.seek(0);
  const words = (frame: number, index: number) => [
    ...state.tables.get(frame)!.words.subarray(2 * index, 2 * index + 2),
  ];
  assert.deepEqual(
    [16, 17, 18].map((index) => words(13, index)),
    [
      [7, 20],
      [7, 21],
      [7, 22],
    ],
  );
  assert.deepEqual(
    [30, 31].map((index) => words(13, index)),
    [
      [135, 7],
      [135, 7],
    ],
  );
  assert.deepEqual(
    [40, 41, 42].map((index) => words(13, index)),
    [
      [7, 50],
      [7, 48],
      [7, 58],
    ],
  );
  assert.deepEqual(state.mms.get(1)!.vmas, [
    { page: 16, pages: 4, flags: 3, object: 64, offset: 5, file: 1 },
  ]);
  assert.equal(state.mms.get(1)!.strategy, 1);
  assert.equal(state.frameKind[22], FrameKind.anon);
  assert.equal(state.frameExtra[22], 2);
  assert.equal(recording.names.slabs.get(state.frameExtra[60]!), "tasks");
  assert.equal(recording.names.files.get(1), "/lib/x.so");
  assert.equal(state.running.get(0), 2);

  history.seek(1);
  assert.deepEqual(words(13, 16), [0, 0]);
  assert.deepEqual(words(13, 17), [entry.present | entry.user | entry.copyOnWrite, 21]);
  assert.deepEqual(words(15, 17), [entry.present | entry.copyOnWrite, 21]);
  assert.deepEqual(state.mms.get(2)!.vmas, [
    { page: 32, pages: 1, flags: 1, object: 0, offset: 0, file: 0 },
  ]);
  assert.equal(state.tasks.get(3)!.ppid, 2);
  assert.equal(state.frameKind[20], FrameKind.free);
  assert.equal(state.running.get(0), 0);

  assert.deepEqual(recording.events[0]!.arguments, [65536, 2n ** 64n - 1n]);
  assert.equal(recording.events[1]!.tsc, 50);
  assert.equal(recording.steps[0]!.safepoint, "fault");
  assert.equal(recording.steps[0]!.tsc, 50);
  const { invariant, rule, pid, address, frame } = recording.findings[0]!;
  assert.deepEqual([invariant, rule, pid, address, frame], [4, "r", 2, 65536, 0]);
  assert.equal(recording.limit, 77);
  assert.deepEqual(recording.end, { how: 3, waitStatus: 256, message: "m", events: 9 });
});

test("what the tests write is what protoc reads", () => {
  const guest = new Guest(256, 0x100, 8, "/lib/made_up.so");
  guest.touch(2, 0x100);
  const child = guest.fork(2);
  guest.write(child, 0x100);
  guest.finding(2, 0x100, "found");
  guest.exit(child);
  const records = new RecordStream().push(guest.end());
  const words = records.map((record) => protoc("decode", record).toString()).join("");
  assert.match(words, /name: "cow-break"/);
  assert.match(words, /path: "\/lib\/made_up.so"/);
  assert.match(words, /copy \{/);
  assert.match(words, /invariant: 1/);
  // A number in place of a name is a field that the schema does not have.
  assert.doesNotMatch(words, /^\s*\d+[:{ ]/m);
  assert.ok(concatenate(records).length > 0);
});
