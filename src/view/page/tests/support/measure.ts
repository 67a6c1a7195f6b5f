// SPDX-License-Identifier: Apache-2.0
//
// Measures what a step costs in Chromium: time to carry the state over and to paint everything, on a
// recording of so many pages and events, or on a file. Run by tools/measure_view.sh.
import { readFileSync } from "node:fs";
import { madeUpRecording } from "./guest.js";
import { startBrowser } from "./browser.js";

const [what = "100000", events = "10000"] = process.argv.slice(2);
const start = performance.now();
const bytes = /^\d+$/.test(what)
  ? madeUpRecording(Number(what), Number(events))
  : new Uint8Array(readFileSync(what));
const made = performance.now();
const browser = await startBrowser();
const page = await browser.open(bytes);
await page.evaluate(
  () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
);
console.log(
  `recording ${(bytes.length / 2 ** 20).toFixed(1)} MiB, made in ${((made - start) / 1000).toFixed(1)} s; open and painted in ${((performance.now() - made) / 1000).toFixed(1)} s`,
);

interface Seek {
  moved: number;
  painted: number;
}
const results = await page.evaluate(() => {
  const api = (
    window as unknown as { forkvisor: { view: { steps: number }; seek(position: number): Seek } }
  ).forkvisor;
  const { steps } = api.view;
  const run = (positions: number[]) => positions.map((position) => api.seek(position));
  const middle = Math.floor(steps / 2);
  const count = Math.min(300, Math.floor(steps / 3));
  api.seek(middle);
  const on = run(Array.from({ length: count }, (_, i) => middle + i + 1));
  const back = run(Array.from({ length: count }, (_, i) => middle + count - i - 1));
  // All over the place, as a mouse on the scrubber goes; and from end to end.
  const jumps = run(Array.from({ length: count }, (_, i) => (i * 7919) % (steps + 1)));
  const ends = run(Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 0 : steps)));
  return { steps, "one step on": on, "one step back": back, "a jump": jumps, "end to end": ends };
});
const { steps, ...rows } = results;
console.log(`${steps} steps\n`);
console.log(
  "                  times    p50 ms   p99 ms   max ms   of that carrying the state, p99 ms",
);
for (const [name, seeks] of Object.entries(rows)) {
  const sorted = (values: number[]) => [...values].sort((a, b) => a - b);
  const at = (values: number[], share: number) =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))]!.toFixed(1).padStart(8);
  const whole = sorted(seeks.map(({ moved, painted }) => moved + painted));
  const moved = sorted(seeks.map((seek) => seek.moved));
  console.log(
    `${name.padEnd(16)} ${String(whole.length).padStart(6)}  ${at(whole, 0.5)} ${at(whole, 0.99)} ${at(whole, 1)}   ${at(moved, 0.99)}`,
  );
}
await browser.close();
