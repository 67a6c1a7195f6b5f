// SPDX-License-Identifier: Apache-2.0
//
// `forkvisor view` in Chromium: a run followed while it goes on, by the address with its token, and
// the file that --html writes. The program and Forkvisor come by FORKVISOR and FORKVISOR_PROGRAM.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hasChromium, startBrowser } from "../support/browser.js";
import type { Browser } from "../support/browser.js";
import { addressOf, stop } from "../support/viewer.js";

declare const PAGE_ROOT: string; // given by build/test.mjs
const forkvisor = process.env["FORKVISOR"] ?? "";
const program = process.env["FORKVISOR_PROGRAM"] ?? "";
// Every step is recorded, however slow the machine is: the tests go to certain ones.
const everyStep = "--record_share=0";

function usable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function reasonToSkip(): string | false {
  if (!hasChromium()) return "no Chromium: see tools/packages.txt";
  if (!usable("/dev/kvm")) return "no usable /dev/kvm";
  return false;
}
const skip = reasonToSkip();

let browser: Browser;
before(async () => {
  if (skip === false) browser = await startBrowser();
});
after(async () => {
  if (skip === false) await browser.close();
});

test("a run is followed to its end, and then wound back", { skip }, async () => {
  const viewer = spawn(forkvisor, ["view", everyStep, "--", program], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const page = await browser.context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    await page.goto(await addressOf(viewer));
    await page.waitForSelector("#main:not([hidden])");
    await page.waitForFunction(() => document.querySelector("#status")!.textContent === "recorded");
    const where = () =>
      page.evaluate(() => {
        const { view } = window.forkvisor;
        return [view.position, view.steps];
      });
    const [position, steps] = await where();
    assert.equal(position, steps);
    await page.keyboard.press("Home");
    await page.keyboard.press("f");
    await page.waitForFunction(() =>
      /forked pid/.test(document.querySelector("#headline")!.textContent!),
    );
    assert.deepEqual(errors, []);
    await page.close();
  } finally {
    await stop(viewer);
  }
});

test("without the token there is nothing to see", { skip }, async () => {
  const viewer = spawn(forkvisor, ["view", "--", program], { stdio: ["ignore", "ignore", "pipe"] });
  try {
    const url = new URL(await addressOf(viewer));
    url.search = "?token=00000000000000000000000000000000";
    const response = await browser.context.request.get(url.href);
    assert.equal(response.status(), 403);
  } finally {
    await stop(viewer);
  }
});

test("the file of --html opens by itself and has the tour", { skip }, async () => {
  const file = join(browser.folder, "run.html");
  const words = ["view", everyStep, `--html=${file}`, "--", program];
  const { status, stderr } = spawnSync(forkvisor, words);
  assert.equal(status, 0, stderr.toString());
  const page = await browser.context.newPage();
  await page.goto(`file://${file}`);
  await page.waitForSelector("#main:not([hidden])");
  await page.keyboard.press("t");
  await page.waitForFunction(
    () => document.querySelector("#tour-count")!.textContent === "1 of 10",
  );
  await page.close();
});

// Where the page's parts are, as docs/tour.md calls them.
const partIds: Record<string, string> = {
  "the address space": "addresses",
  "physical memory": "frames-panel",
  "page tables": "tables-panel",
  tasks: "tasks-panel",
  selection: "details-panel",
  "the bar at the bottom": "phases",
  "the child": "addresses",
  "the parent": "addresses",
};

test("docs/tour.md: its program, and the ten steps that it tells of", { skip }, async () => {
  const tour = readFileSync(join(PAGE_ROOT, "../../../docs/tour.md"), "utf8");
  const source = join(browser.folder, "two_pages.c");
  writeFileSync(source, /two_pages\.c <<'END'\n([^]*?)\nEND\n/.exec(tour)![1]!);
  const binary = join(browser.folder, "two_pages");
  execFileSync("gcc", ["-static", "-o", binary, source]);
  const viewer = spawn(forkvisor, ["view", everyStep, binary], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const page = await browser.context.newPage();
    await page.goto(await addressOf(viewer));
    await page.waitForFunction(() => document.querySelector("#status")!.textContent === "recorded");
    assert.equal(await page.locator(".task").count(), 1);
    await page.keyboard.press("t");
    const steps = [...tour.matchAll(/^\| (\d+) \| ([^|,]+)[^|]*\| ([^|]+) \|$/gm)];
    assert.equal(steps.length, 10);
    for (const [, number, part] of steps) {
      await page.waitForFunction(
        (wanted) => document.querySelector("#tour-count")!.textContent === `${wanted} of 10`,
        number!,
      );
      const marked = await page.locator(".toured").getAttribute("id");
      assert.equal(marked, partIds[part!.trim()], `step ${number}`);
      await page.keyboard.press("Enter");
    }
    await page.locator("#tour-card").waitFor({ state: "hidden" });
    await page.close();
  } finally {
    await stop(viewer);
  }
});
