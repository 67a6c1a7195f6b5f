// SPDX-License-Identifier: Apache-2.0
//
// The page in Debian's Chromium, used as people use it. What was drawn is asked of the page itself
// (window.forkvisor), so that no test depends on single pixels.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { Guest, madeUpRecording } from "../support/guest.js";
import { drawn, hasChromium, pageFile, startBrowser } from "../support/browser.js";
import type { Browser } from "../support/browser.js";
import { measureSteps } from "../support/steps.js";

const firstPage = 0x10000;
const skip = hasChromium() ? false : "no Chromium: see tools/packages.txt";

let browser: Browser;
before(async () => {
  if (skip === false) browser = await startBrowser();
});
after(async () => {
  if (skip === false) await browser.close();
});

// A parent of two pages, a child that writes the first, the parent that then writes both.
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
const afterFork = 3;
const afterBreak = 5;
const end = 8;

// How many colours a canvas shows: an empty one has a single one.
async function colours(page: Page, selector: string): Promise<number> {
  return page.evaluate((wanted) => {
    const canvas = document.querySelector<HTMLCanvasElement>(wanted)!;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set<number>();
    for (let i = 0; i < data.length; i += 4)
      seen.add((data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!);
    return seen.size;
  }, selector);
}

const own = 1;
const cowShared = 2;
const cowAlone = 3;

test("a file opens by itself: every part is there and drawn", { skip }, async () => {
  const page = await browser.open(forkOfTwoPages().end());
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  const { steps, position } = await drawn(page);
  assert.deepEqual([position, steps], [0, end]);
  await page.keyboard.press("End");
  await drawn(page);
  for (const part of ["#first", "#frames", "#tables", "#timeline"]) {
    assert.ok((await colours(page, `${part} canvas`)) > 2, part);
    const box = await page.locator(part).boundingBox();
    assert.ok(box !== null && box.width > 100 && box.height > 60, part);
  }
  assert.equal(await page.locator("#status").textContent(), "recorded");
  assert.match(await page.title(), /made_up/);
  assert.deepEqual(errors, []);
  await page.close();
});

test("the keys go through a fork and back", { skip }, async () => {
  const page = await browser.open(forkOfTwoPages().end());
  await page.keyboard.press("f");
  let now = await drawn(page);
  assert.equal(now.position, afterFork);
  assert.equal(now.first.counts[cowShared], 2);
  assert.equal(now.second.counts[cowShared], 2);
  assert.equal(await page.locator(".task").count(), 2);
  assert.match((await page.locator("#headline").textContent())!, /pid 2 forked pid 3/);
  assert.match((await page.locator("#difference").textContent())!, /2 pages alike/);

  await page.keyboard.press("c");
  now = await drawn(page);
  assert.equal(now.position, afterBreak);
  assert.deepEqual([now.first.counts[cowAlone], now.first.counts[cowShared]], [1, 1]);
  assert.deepEqual([now.second.counts[own], now.second.counts[cowShared]], [1, 1]);
  assert.match((await page.locator("#difference").textContent())!, /1 with another frame/);
  // What was written is selected.
  assert.match((await page.locator("#details").textContent())!, /0x10000000of ?pid 3/);

  await page.keyboard.press("x");
  await drawn(page);
  assert.equal(await page.locator(".task").count(), 1);

  await page.keyboard.press("ArrowLeft");
  assert.equal((await drawn(page)).position, afterBreak);
  await page.keyboard.press("Home");
  now = await drawn(page);
  assert.equal(now.position, 0);
  assert.equal(now.first.counts[own], 0);
  await page.keyboard.press("End");
  now = await drawn(page);
  assert.equal(now.position, end);
  assert.equal(now.first.counts[own], 2);
  await page.close();
});

test("the scrubber goes where it is clicked", { skip }, async () => {
  const page = await browser.open(madeUpRecording(300, 200));
  const box = (await page.locator("#timeline").boundingBox())!;
  await page.mouse.click(box.x + box.width - 12, box.y + 30);
  const late = await drawn(page);
  assert.ok(late.position > 0.9 * late.steps);
  await page.mouse.move(box.x + box.width * 0.8, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 30, { steps: 5 });
  await page.mouse.up();
  const early = await drawn(page);
  assert.ok(early.position < 0.4 * early.steps && early.position > 0);
  const slider = page.locator("#timeline");
  assert.equal(await slider.getAttribute("aria-valuenow"), String(early.position));
  assert.equal(await slider.getAttribute("aria-valuemax"), String(early.steps));
  await page.close();
});

test(
  "a page that is selected shows its entries, its frame and who else maps it",
  { skip },
  async () => {
    const page = await browser.open(forkOfTwoPages().end());
    await page.keyboard.press("f");
    await page.locator("#first").focus();
    await page.keyboard.press("ArrowRight"); // the first page
    await page.keyboard.press("ArrowRight"); // the second
    const now = await drawn(page);
    assert.equal(now.mappers, 2);
    assert.ok(now.links >= 3, `${now.links} lines`);
    assert.match((await page.locator("#details").textContent())!, /0x10001000/);
    assert.deepEqual(await page.locator(".mappers tbody tr td:first-child").allTextContents(), [
      "2",
      "3",
    ]);
    const bits = await page.locator(".mappers tbody tr td:last-child").allTextContents();
    assert.deepEqual(bits, ["P-C--U-AD", "P-C--U-AD"]);
    assert.equal(await page.locator(".walk tbody tr").count(), 4);
    assert.match(
      (await page.locator(".walk tbody tr:last-child").textContent())!,
      /0x80000000000\w+65/,
    );

    // To the child's mapping of the same frame, and away.
    await page.locator(".mappers button").nth(1).click();
    await drawn(page);
    assert.match((await page.locator("#details").textContent())!, /pid 3/);
    await page.keyboard.press("Escape");
    assert.equal((await drawn(page)).links, 0);
    await page.close();
  },
);

test("a click in the picture selects", { skip }, async () => {
  const page = await browser.open(forkOfTwoPages().end());
  await page.keyboard.press("f");
  await drawn(page);
  const box = (await page.locator("#first canvas").boundingBox())!;
  await page.mouse.click(box.x + 96 + 5, box.y + 26 + 5); // the gutter, the mapping's headline
  const now = await drawn(page);
  assert.equal(now.mappers, 2);
  assert.match((await page.locator("#details").textContent())!, /0x10000000/);
  await page.close();
});

test("two address spaces that look alike scroll together", { skip }, async () => {
  const guest = new Guest(4096, firstPage, 1024);
  guest.populate(2, firstPage, 1024);
  guest.fork(2);
  const page = await browser.open(guest.end());
  await page.keyboard.press("End");
  await drawn(page);
  const tops = () =>
    page.evaluate(() => ["first", "second"].map((id) => document.getElementById(id)!.scrollTop));
  await page.evaluate(() => document.getElementById("first")!.scrollTo(0, 50));
  await drawn(page);
  assert.deepEqual(await tops(), [50, 50]);
  await page.evaluate(() => document.getElementById("second")!.scrollTo(0, 20));
  await drawn(page);
  assert.deepEqual(await tops(), [20, 20]);
  await page.close();
});

test("a task can be shown on either side", { skip }, async () => {
  const page = await browser.open(forkOfTwoPages().end());
  await page.keyboard.press("f");
  await drawn(page);
  await page.locator(".task[data-pid='3']").click();
  await drawn(page);
  assert.match((await page.locator("#first-title").textContent())!, /pid 3/);
  await page.locator(".task[data-pid='2']").click({ modifiers: ["Shift"] });
  await drawn(page);
  assert.match((await page.locator("#second-title").textContent())!, /pid 2/);
  await page.keyboard.press("a");
  await drawn(page);
  assert.match((await page.locator("#first-title").textContent())!, /pid 2/);
  await page.close();
});

test("dark and light, by the system and by hand", { skip }, async () => {
  const page = await browser.open(forkOfTwoPages().end());
  const scheme = () => page.evaluate(() => document.documentElement.dataset["scheme"]);
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(await scheme(), "light");
  const light = await paper();
  await page.keyboard.press("d");
  assert.equal(await scheme(), "dark");
  assert.notEqual(await paper(), light);
  await page.keyboard.press("d");
  await page.emulateMedia({ colorScheme: "dark" });
  assert.equal(await scheme(), "light"); // chosen by hand stays
  const second = await browser.open(forkOfTwoPages().end());
  await second.emulateMedia({ colorScheme: "dark" });
  await second.waitForFunction(() => document.documentElement.dataset["scheme"] === "dark");
  await second.close();
  await page.close();
});

test("the tour tells a fork in ten steps", { skip }, async () => {
  const page = await browser.open(forkOfTwoPages().end());
  await page.keyboard.press("t");
  const positions: number[] = [];
  for (let stop = 0; stop < 10; ++stop) {
    const now = await drawn(page);
    assert.equal(now.tour, stop);
    positions.push(now.position);
    assert.equal(await page.locator("#tour-count").textContent(), `${stop + 1} of 10`);
    assert.doesNotMatch((await page.locator("#tour-text").textContent())!, /undefined|NaN/);
    assert.equal(await page.locator(".toured").count(), 1);
    await page.locator("#tour-next").click();
  }
  assert.deepEqual(positions, [2, 2, 2, 3, 3, 3, 5, 5, 6, 7]);
  assert.equal((await drawn(page)).tour, -1);
  assert.equal(await page.locator("#tour-card").isVisible(), false);
  await page.close();
});

for (const [width, height] of [
  [1280, 720],
  [1920, 1080],
] as const) {
  test(`on ${width} by ${height} the tour's card hides nothing that it is about`, { skip }, async () => {
    const page = await browser.open(forkOfTwoPages().end());
    await page.setViewportSize({ width, height });
    const box = async (selector: string) => {
      const { x, y, width: w, height: h } = (await page.locator(selector).boundingBox())!;
      return { left: x, top: y, right: x + w, bottom: y + h };
    };
    // The choice of the colouring has its place beside the title.
    await drawn(page);
    const [choice, panel] = [await box("#colouring"), await box("#frames-panel")];
    assert.ok(choice.right <= panel.right, "the colouring is cut off");
    await page.keyboard.press("t");
    for (let stop = 0; stop < 10; ++stop) {
      assert.equal((await drawn(page)).tour, stop);
      const [card, part] = [await box("#tour-card"), await box(".toured")];
      assert.ok(card.left >= 0 && card.top >= 0 && card.right <= width && card.bottom <= height);
      const apart =
        card.right <= part.left ||
        part.right <= card.left ||
        card.bottom <= part.top ||
        part.bottom <= card.top;
      assert.ok(apart, `step ${stop + 1}: ${JSON.stringify({ card, part })}`);
      const title = await page.locator("#tour-title").evaluate((h2) => h2.scrollWidth - h2.clientWidth);
      assert.equal(title, 0, `step ${stop + 1}: the title is cut off`);
      await page.locator("#tour-next").click();
    }
    await page.close();
  });
}

test("without a fork the tour says what it needs", { skip }, async () => {
  const guest = new Guest(512, firstPage, 2);
  guest.touch(2, firstPage);
  const page = await browser.open(guest.end());
  await page.keyboard.press("t");
  assert.match((await page.locator("#tour-card").textContent())!, /fork_two_pages/);
  await page.close();
});

test("findings stand where they happened", { skip }, async () => {
  const guest = forkOfTwoPages();
  guest.finding(2, firstPage, "the entry of pid 2 is writable");
  guest.switchTo(2, 2);
  const page = await browser.open(guest.end());
  assert.equal(await page.locator("#status").textContent(), "1 finding");
  assert.equal(await page.locator("#findings").isVisible(), false);
  await page.keyboard.press("n");
  assert.equal((await drawn(page)).position, end);
  assert.match(
    (await page.locator("#findings").textContent())!,
    /private sharing is never writable/,
  );
  await page.locator("#findings button").click();
  await drawn(page);
  assert.match((await page.locator("#details").textContent())!, /0x10000000/);
  await page.close();
});

test("frames are coloured by owner, kind or sharing, and one process stands out", { skip }, async () => {
  const page = await browser.open(forkOfTwoPages().end());
  await page.keyboard.press("f");
  assert.equal((await drawn(page)).colouring, "owner");
  const entries = page.locator("#frame-legend button");
  assert.deepEqual(await entries.allTextContents(), ["pid 2 made_up", "pid 3 made_up"]);
  assert.equal(await page.locator(".task canvas.swatch").count(), 2);
  const coloured = await colours(page, "#frames canvas");

  // By the keyboard: from part to part, then Enter.
  await entries.nth(1).focus();
  await page.keyboard.press("Enter");
  assert.equal((await drawn(page)).spotlight, 3);
  assert.equal(await entries.nth(1).getAttribute("aria-pressed"), "true");
  assert.ok((await colours(page, "#frames canvas")) > coloured, "what is not of pid 3 is faint");
  await page.keyboard.press("Escape");
  assert.equal((await drawn(page)).spotlight, undefined);
  await page.keyboard.press("h");
  assert.equal((await drawn(page)).spotlight, 2);
  await page.keyboard.press("h");
  assert.equal((await drawn(page)).spotlight, undefined);

  for (const [by, text] of [
    ["kind", /many mappings/],
    ["sharing", /2 processes/],
    ["owner", /pid 2 made_up/],
  ] as const) {
    await page.keyboard.press("m");
    assert.equal((await drawn(page)).colouring, by);
    assert.match((await page.locator("#frame-legend").textContent())!, text);
    const chosen = page.locator("#colouring [aria-checked='true']");
    assert.deepEqual(await chosen.allTextContents(), [by]);
  }
  await page.locator("#colouring button", { hasText: "sharing" }).click();
  assert.equal((await drawn(page)).colouring, "sharing");
  await page.close();
});

test("help lists the keys", { skip }, async () => {
  const page = await browser.open(forkOfTwoPages().end());
  await page.keyboard.press("?");
  assert.ok((await page.locator("#help-keys kbd").count()) > 20);
  await page.keyboard.press("Escape");
  await page.locator("#help-dialog").waitFor({ state: "hidden" });
  await page.close();
});

test("empty, broken off, and no recording at all", { skip }, async () => {
  const page = await browser.context.newPage();
  await page.goto(`file://${pageFile}`);
  await page.waitForSelector("#empty-open");
  assert.equal(await page.locator("#main").isVisible(), false);
  const file = join(browser.folder, "other.fvr");
  writeFileSync(file, "this is something else");
  await page.locator("#file").setInputFiles(file);
  await page.waitForFunction(() => document.querySelector("#empty-why")!.textContent !== "");
  assert.match((await page.locator("#empty-why").textContent())!, /not a Forkvisor recording/);
  const whole = forkOfTwoPages().end();
  writeFileSync(file, whole.subarray(0, whole.length - 30));
  await page.locator("#file").setInputFiles(file);
  await page.waitForSelector("#main:not([hidden])");
  assert.match((await page.locator("#status").textContent())!, /breaks off/);
  await page.close();
});

test("100,000 pages and 10,000 events: what shows is drawn, nothing else", { skip }, async (t) => {
  const page = await browser.open(madeUpRecording(100_000, 10_000));
  await page.keyboard.press("End");
  const now = await drawn(page);
  assert.ok(now.steps > 4000);
  assert.ok(now.first.cells > 500 && now.first.cells < 10_000, `${now.first.cells} cells`);
  assert.ok(now.frames.cells < 20_000, `${now.frames.cells} frames`);
  await page.keyboard.press("Home");
  await page.keyboard.press("f");
  assert.equal((await drawn(page)).frames.counts[6], 100_000);
  // For who reads the log: what a step costs depends on the machine.
  for (const line of await measureSteps(page, 20)) t.diagnostic(line);
  await page.close();
});
