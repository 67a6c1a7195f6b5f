// SPDX-License-Identifier: Apache-2.0
//
// Measures how long it takes from the start of `forkvisor view` to the first picture that shows
// tasks and memory, in Chromium: measure_start.ts RUNS PROGRAM NAME COMMAND [NAME COMMAND]... Each
// COMMAND is a forkvisor, measured in turn with a browser that runs already and with one that has to
// start when the address is there. Run by tools/measure_view.sh.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Browser } from "./browser.js";
import { startBrowser } from "./browser.js";
import { addressOf, stop } from "./viewer.js";

const [runs = "10", program = "", ...named] = process.argv.slice(2);

interface Times {
  readonly address: number; // milliseconds until the address was there
  readonly picture: number; // until the picture
}

// Times are of the machine's clock, which the browser has as well.
async function measure(command: string, running: Browser | undefined): Promise<Times> {
  const start = performance.timeOrigin + performance.now();
  const viewer: ChildProcess = spawn(command, ["view", "--", program], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let browser = running;
  try {
    const url = await addressOf(viewer);
    const address = performance.timeOrigin + performance.now() - start;
    browser ??= await startBrowser();
    const page = await browser.context.newPage();
    await page.goto(url);
    const painted = await page.waitForFunction(() => {
      const mark = performance.getEntriesByName("first-picture")[0];
      return mark === undefined ? 0 : performance.timeOrigin + mark.startTime;
    });
    const picture = (await painted.jsonValue()) - start;
    await page.close();
    return { address, picture };
  } finally {
    await stop(viewer);
    if (browser !== running) await browser?.close();
  }
}

function row(name: string, values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const shown = [sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!];
  return `${name.padEnd(44)} ${shown.map((value) => value.toFixed(0).padStart(7)).join(" ")}`;
}

const commands: [name: string, command: string][] = [];
for (let i = 0; i + 1 < named.length; i += 2) commands.push([named[i]!, named[i + 1]!]);
const running = await startBrowser();
const times = new Map<string, Times[]>();
for (let run = -1; run < Number(runs); ++run) {
  for (const [name, command] of commands) {
    for (const [how, browser] of [
      ["browser running", running],
      ["browser starts", undefined],
    ] as const) {
      const one = await measure(command, browser);
      // The first time fills caches.
      if (run < 0) continue;
      const key = `${name}, ${how}`;
      times.set(key, [...(times.get(key) ?? []), one]);
    }
  }
}
await running.close();
console.log(`${runs} runs                                       min ms  p50 ms  max ms`);
for (const [name, all] of times) {
  console.log(row(`${name}: address`, all.map(({ address }) => address)));
  console.log(row(`${name}: picture`, all.map(({ picture }) => picture)));
}
