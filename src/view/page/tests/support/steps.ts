// SPDX-License-Identifier: Apache-2.0
//
// What steps cost in a page: the time until a step is on the screen, and the processor time of the
// page's thread, which does not depend on what else the machine does.
import type { CDPSession, Page } from "playwright-core";

interface Seek {
  readonly moved: number; // milliseconds: the state carried over
  readonly painted: number; // the frame, from the beginning of its painting to its end
}

interface Cost extends Seek {
  readonly cpu: number; // milliseconds, with some 0.3 for asking
}

// The rows of a table: `count` steps of each sort.
export async function measureSteps(page: Page, count: number): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const steps = await page.evaluate(() => window.forkvisor.view.steps);
  const times = Math.min(count, Math.floor(steps / 3));
  const middle = Math.floor(steps / 2);
  const walks: Record<string, number[]> = {
    "one step on": range(times, (i) => middle + i + 1),
    "one step back": range(times, (i) => middle + times - i - 1),
    // All over the place, as a mouse on the scrubber goes; and from end to end.
    "a jump": range(times, (i) => (i * 7919) % (steps + 1)),
    "end to end": range(10, (i) => (i % 2 === 0 ? 0 : steps)),
  };
  await seek(page, session, middle);
  const rows = [
    `${steps} steps`,
    "                      until it is on the screen, ms    processor, ms             state alone",
    "               times      p50      p99      max      p50      p99      max      p99, ms",
  ];
  for (const [name, positions] of Object.entries(walks)) {
    const costs: Cost[] = [];
    for (const position of positions) costs.push(await seek(page, session, position));
    const numbers = [
      ...quantiles(costs.map(({ moved, painted }) => moved + painted), [0.5, 0.99, 1]),
      ...quantiles(costs.map(({ cpu }) => cpu), [0.5, 0.99, 1]),
      ...quantiles(costs.map(({ moved }) => moved), [0.99]),
    ];
    const cells = numbers.map((value) => value.toFixed(1).padStart(8)).join(" ");
    rows.push(`${name.padEnd(14)} ${String(costs.length).padStart(5)} ${cells}`);
  }
  await session.detach();
  return rows;
}

async function seek(page: Page, session: CDPSession, position: number): Promise<Cost> {
  const before = await threadTime(session);
  const cost = await page.evaluate((to) => window.forkvisor.seek(to), position);
  return { ...cost, cpu: 1000 * ((await threadTime(session)) - before) };
}

// Processor time of the page's main thread, in seconds.
async function threadTime(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  const found = metrics.find(({ name }) => name === "ThreadTime");
  if (found === undefined) throw new Error("this Chromium does not tell its thread's time");
  return found.value;
}

function range(count: number, at: (i: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => at(i));
}

function quantiles(values: readonly number[], shares: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return shares.map(
    (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!,
  );
}
