// SPDX-License-Identifier: Apache-2.0
//
// Runs the tests of one folder: node build/test.mjs unit|browser. Each *.test.ts is bundled, then
// Node's own test runner runs it. With XML_OUTPUT_FILE set, as Bazel sets it, the cases go there in
// GoogleTest's form.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleForNode } from "./node_bundle.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = process.argv[2] ?? "unit";
const sources = readdirSync(join(root, "tests", folder)).filter((name) =>
  name.endsWith(".test.ts"),
);
if (sources.length === 0) throw new Error(`no tests in tests/${folder}`);

const out = mkdtempSync(join(process.env.TEST_TMPDIR ?? tmpdir(), "forkvisor-page-"));
try {
  const files = await bundleForNode(
    sources.map((name) => join(root, "tests", folder, name)),
    out,
  );
  const reporters = process.env.XML_OUTPUT_FILE
    ? [
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
        `--test-reporter=${join(root, "build/gtest_reporter.mjs")}`,
        `--test-reporter-destination=${process.env.XML_OUTPUT_FILE}`,
      ]
    : ["--test-reporter=spec"];
  const { status } = spawnSync(
    process.execPath,
    ["--enable-source-maps", "--test", ...reporters, ...files],
    {
      stdio: "inherit",
    },
  );
  process.exitCode = status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
