// SPDX-License-Identifier: Apache-2.0
//
// The committed page is what the sources give, and keeps its promises.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

declare const PAGE_ROOT: string; // given by build/test.mjs
const committed = join(PAGE_ROOT, "dist/index.html");

test("the committed page is what the sources give: else run tools/build_page.sh", () => {
  const folder = mkdtempSync(join(process.env["TEST_TMPDIR"] ?? tmpdir(), "forkvisor-build-"));
  try {
    const built = join(folder, "index.html");
    execFileSync(process.execPath, [join(PAGE_ROOT, "build/build.mjs"), built]);
    assert.ok(readFileSync(built).equals(readFileSync(committed)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the types hold", () => {
  const tsc = join(PAGE_ROOT, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "--noEmit", "-p", PAGE_ROOT], { stdio: "inherit" });
});

test("the page names no other place and has one slot for a recording", () => {
  const page = readFileSync(committed, "utf8");
  const slot = '<script id="recording" type="application/octet-stream;base64"></script>';
  assert.equal(page.split(slot).length, 2);
  const addresses = page.match(/\bhttps?:\/\/[^"'`\s)]+/g) ?? [];
  assert.deepEqual(
    addresses.filter((address) => address !== "http://www.w3.org/2000/svg"),
    [],
  );
  assert.doesNotMatch(page, /\beval\(|new Function\(/);
});
