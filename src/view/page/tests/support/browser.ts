// SPDX-License-Identifier: Apache-2.0
//
// Debian's Chromium with the built page, for tests and pictures.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { BrowserContext, Page } from "playwright-core";
import type { PageApi } from "../../src/main.js";

declare const PAGE_ROOT: string; // given by build/test.mjs
export const pageFile = join(PAGE_ROOT, "dist/index.html");
export const chromiumPath = process.env["FORKVISOR_CHROMIUM"] ?? "/usr/bin/chromium";

// Of a browser that starts, of a page that does what was asked: a machine may be busy.
const patience = 120_000; // milliseconds

export function hasChromium(): boolean {
  return existsSync(chromiumPath);
}

// The page with a recording inside, as `forkvisor view --html` writes it.
export function withRecording(recording: Uint8Array): string {
  const empty = '<script id="recording" type="application/octet-stream;base64"></script>';
  const page = readFileSync(pageFile, "utf8");
  if (page.split(empty).length !== 2)
    throw new Error("the place for the recording is not there once");
  const data = Buffer.from(recording).toString("base64");
  return page.replace(empty, () => empty.replace("></", `>${data}</`));
}

// What is on show, after the page has painted what was asked for before.
export async function drawn(page: Page): Promise<ReturnType<PageApi["drawn"]>> {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        requestAnimationFrame(() =>
          requestAnimationFrame(() => resolve(window.forkvisor.drawn())),
        );
      }),
  );
}

export interface Browser {
  readonly context: BrowserContext;
  readonly folder: string; // for files of the test
  // Opens a page with a recording inside; the picture is painted when it returns.
  open(recording: Uint8Array): Promise<Page>;
  close(): Promise<void>;
}

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}

export async function startBrowser(look: Look = {}): Promise<Browser> {
  const folder = mkdtempSync(join(process.env["TEST_TMPDIR"] ?? tmpdir(), "forkvisor-browser-"));
  const context = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: chromiumPath,
    headless: true,
    timeout: patience,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    env: { ...process.env, HOME: folder } as Record<string, string>,
    viewport: { width: look.width ?? 1600, height: look.height ?? 900 },
    colorScheme: look.dark === true ? "dark" : "light",
  });
  context.setDefaultTimeout(patience);
  let files = 0;
  return {
    context,
    folder,
    async open(recording) {
      const file = join(folder, `view-${++files}.html`);
      writeFileSync(file, withRecording(recording));
      const page = await context.newPage();
      await page.goto(`file://${file}`);
      await page.waitForSelector("#main:not([hidden])");
      return page;
    },
    async close() {
      await context.close();
      // Helpers of a browser that is gone may write into its profile for a moment.
      rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}
