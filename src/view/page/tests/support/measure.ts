// SPDX-License-Identifier: Apache-2.0
//
// Measures what a step costs in Chromium, on a recording of so many pages and events, or on a file.
// Run by tools/measure_view.sh.
import { readFileSync } from "node:fs";
import { madeUpRecording } from "./guest.js";
import { drawn, startBrowser } from "./browser.js";
import { measureSteps } from "./steps.js";

const [what = "100000", events = "10000"] = process.argv.slice(2);
const start = performance.now();
const bytes = /^\d+$/.test(what)
  ? madeUpRecording(Number(what), Number(events))
  : new Uint8Array(readFileSync(what));
const made = performance.now();
const browser = await startBrowser();
const page = await browser.open(bytes);
await drawn(page);
console.log(
  `recording ${(bytes.length / 2 ** 20).toFixed(1)} MiB, made in ${((made - start) / 1000).toFixed(1)} s; open and painted in ${((performance.now() - made) / 1000).toFixed(1)} s`,
);
for (const line of await measureSteps(page, 300)) console.log(line);
await browser.close();
