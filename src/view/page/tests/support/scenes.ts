// SPDX-License-Identifier: Apache-2.0
//
// What is photographed and compared with a description in tests/structure: made-up guests, so that
// a change of the kernel leaves the pictures as they are.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { Browser } from "./browser.js";
import { Guest, madeUpRecording } from "./guest.js";
import type { Description } from "./structure.js";

declare const PAGE_ROOT: string; // given by build/test.mjs

export interface Scene {
  readonly name: string;
  readonly recording: () => Uint8Array;
  readonly keys: readonly string[];
  readonly size?: { readonly width: number; readonly height: number };
}

const firstPage = 0x10000;

// A process of 48 pages with two children, of which one has written to 12 of them.
function family(): Guest {
  const guest = new Guest(256, firstPage, 64);
  guest.populate(2, firstPage, 48);
  const first = guest.fork(2);
  guest.switchTo(2, first);
  for (let page = 0; page < 12; ++page) guest.write(first, firstPage + page);
  guest.fork(2);
  return guest;
}

function withFinding(): Guest {
  const guest = family();
  guest.finding(2, firstPage, "the entry of pid 2 is writable");
  return guest;
}

export const scenes: readonly Scene[] = [
  { name: "fork", recording: () => family().end(), keys: ["End"] },
  { name: "dark", recording: () => family().end(), keys: ["d", "f", "c", "c"] },
  { name: "kind", recording: () => family().end(), keys: ["End", "m"] },
  { name: "sharing", recording: () => family().end(), keys: ["End", "m", "m", "h"] },
  { name: "finding", recording: () => withFinding().end(), keys: ["n"] },
  {
    name: "large",
    recording: () => madeUpRecording(20_000, 1_000),
    keys: ["f", "c"],
    size: { width: 1280, height: 720 },
  },
];

export async function open(browser: Browser, { recording, keys, size }: Scene): Promise<Page> {
  const page = await browser.open(recording());
  await page.setViewportSize(size ?? { width: 1600, height: 900 });
  for (const key of keys) await page.keyboard.press(key);
  return page;
}

export function descriptionFile({ name }: Scene): string {
  return join(PAGE_ROOT, "tests/structure", `${name}.json`);
}

export function committed(scene: Scene): Description {
  return JSON.parse(readFileSync(descriptionFile(scene), "utf8")) as Description;
}
