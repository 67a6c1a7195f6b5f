// SPDX-License-Identifier: Apache-2.0
//
// Screenshots compared, by structure, with the descriptions in tests/structure; and that the
// comparison sees what is missing and does not mind fonts. tools/view_structure.sh writes the
// descriptions anew.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { hasChromium, startBrowser } from "../support/browser.js";
import type { Browser } from "../support/browser.js";
import { committed, open, scenes } from "../support/scenes.js";
import type { Scene } from "../support/scenes.js";
import { describe, differences } from "../support/structure.js";

const skip = hasChromium() ? false : "no Chromium: see tools/packages.txt";

let browser: Browser;
before(async () => {
  if (skip === false) browser = await startBrowser();
});
after(async () => {
  if (skip === false) await browser.close();
});

for (const scene of scenes) {
  test(`${scene.name} looks as it is described`, { skip }, async () => {
    const page = await open(browser, scene);
    assert.deepEqual(differences(committed(scene), await describe(page)), []);
    await page.close();
  });
}

const fork: Scene = scenes.find(({ name }) => name === "fork")!;

// What is said of the scene after something was done to the page.
async function differencesAfter(change: (page: Page) => Promise<void>): Promise<string[]> {
  const page = await open(browser, fork);
  await describe(page); // all is painted
  await change(page);
  const found = differences(committed(fork), await describe(page));
  await page.close();
  return found;
}

for (const id of ["tasks-panel", "second-panel", "tables-panel", "timeline-panel"]) {
  test(`without ${id} it differs`, { skip }, async () => {
    const found = await differencesAfter((page) =>
      page.evaluate((hidden) => {
        document.getElementById(hidden)!.hidden = true;
      }, id),
    );
    assert.ok(found.includes(`${id} is missing`), found.join("\n"));
  });
}

for (const [id, cells] of [
  ["frames", /^cells of frames, blank: \d+ instead of 0$/],
  ["first", /^cells of first, blank: \d+ instead of 0$/],
  ["tables", /^tables-panel, busy: /],
] as const) {
  test(`with a blank ${id} it differs`, { skip }, async () => {
    const found = await differencesAfter((page) =>
      page.evaluate((name) => {
        // Whatever it paints from now on.
        document.querySelector<HTMLElement>(`#${name} canvas`)!.style.opacity = "0";
      }, id),
    );
    assert.ok(found.some((line) => cells.test(line)), found.join("\n"));
  });
}

test("with an empty list of events it differs", { skip }, async () => {
  const found = await differencesAfter((page) =>
    page.evaluate(() => document.querySelector("#events .rows")!.replaceChildren()),
  );
  assert.ok(found.some((line) => line.startsWith("events-panel, busy")), found.join("\n"));
});

test("with the colours of two owners mixed up it differs", { skip }, async () => {
  const found = await differencesAfter((page) =>
    page.evaluate(() => {
      const [one, other] = document.querySelectorAll("#frame-legend button");
      const swatch = one!.firstChild!;
      one!.prepend(other!.firstChild!);
      other!.prepend(swatch);
    }),
  );
  assert.ok(found.some((line) => line.startsWith("cells of frames, pid 2")), found.join("\n"));
});

test("with other fonts it does not differ", { skip }, async () => {
  const found = await differencesAfter((page) =>
    page.evaluate(() => {
      document.body.style.fontFamily = "serif";
      document.body.style.letterSpacing = "0.3px";
    }),
  );
  assert.deepEqual(found, []);
});
