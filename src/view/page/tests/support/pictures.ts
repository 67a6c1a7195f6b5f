// SPDX-License-Identifier: Apache-2.0
//
// The pictures of the documentation: pictures.ts RECORDINGS OUT. RECORDINGS holds fork.fvr (of
// fork_two_pages), tables.fvr (a fork with shared tables) and finding.fvr (of a kernel with a bug), as
// tools/pictures.sh makes them.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { shrink } from "./png.js";
import { drawn, startBrowser } from "./browser.js";

const [recordings = ".", out = "."] = process.argv.slice(2);
const maxBytes = 200 * 1024;

interface Picture {
  readonly name: string;
  readonly recording: string;
  readonly dark?: boolean;
  readonly prepare: (page: Page) => Promise<void>;
}

async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

// Selects a page of the first anonymous mapping on the left that is not the stack.
async function select(page: Page, further: number): Promise<void> {
  await page.evaluate((more) => {
    const { view } = window.forkvisor;
    const mm = view.shown().first!;
    const stack = 0x4100; // VmaFlag in proto/records.h: grows down, or is one
    const vma = mm.vmas.find(({ flags, object }) => object === 0 && (flags & stack) === 0)!;
    view.select({ kind: "page", mm: mm.id, page: vma.page + more });
  }, further);
}

const pictures: Picture[] = [
  {
    name: "view",
    recording: "fork.fvr",
    prepare: async (page) => {
      await press(page, "f", "c");
      await select(page, 1);
    },
  },
  {
    name: "view-tour",
    recording: "fork.fvr",
    prepare: (page) => press(page, "t", "Enter", "Enter", "Enter", "Enter"),
  },
  {
    name: "view-shared-tables",
    recording: "tables.fvr",
    dark: true,
    prepare: async (page) => {
      await press(page, "f");
      await select(page, 3);
    },
  },
  {
    name: "view-finding",
    recording: "finding.fvr",
    prepare: async (page) => {
      await press(page, "Home", "n");
      await page.locator("#findings button").first().click();
    },
  },
];

mkdirSync(out, { recursive: true });
for (const { name, recording, dark, prepare } of pictures) {
  const browser = await startBrowser({ width: 1440, height: 860, dark: dark === true });
  const page = await browser.open(new Uint8Array(readFileSync(join(recordings, recording))));
  await prepare(page);
  await drawn(page);
  const file = join(out, `${name}.png`);
  const picture = shrink(await page.screenshot());
  writeFileSync(file, picture);
  await browser.close();
  console.log(`${file} ${Math.ceil(picture.length / 1024)} KiB`);
  if (picture.length > maxBytes) throw new Error(`${file} is larger than ${maxBytes} bytes`);
}
