// SPDX-License-Identifier: Apache-2.0
//
// Bundles one TypeScript program and runs it: node build/run.mjs FILE ARGS...
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleForNode } from "./node_bundle.mjs";

const [file, ...args] = process.argv.slice(2);
const out = mkdtempSync(join(process.env.TEST_TMPDIR ?? tmpdir(), "forkvisor-page-"));
try {
  const [program] = await bundleForNode([file], out);
  process.exitCode =
    spawnSync(process.execPath, [program, ...args], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
