// SPDX-License-Identifier: Apache-2.0
//
// Writes the descriptions in tests/structure anew. Run by tools/view_structure.sh.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { startBrowser } from "./browser.js";
import { descriptionFile, open, scenes } from "./scenes.js";
import { describe, written } from "./structure.js";

const browser = await startBrowser();
for (const scene of scenes) {
  const page = await open(browser, scene);
  const file = descriptionFile(scene);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, written(await describe(page)));
  console.log(file);
  await page.close();
}
await browser.close();
