// SPDX-License-Identifier: Apache-2.0
//
// TypeScript programs as modules that Node runs. playwright-core is not bundled: it is loaded from
// node_modules by its path, since the bundles lie elsewhere.
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

// Returns the files made, in the order of `sources`.
export async function bundleForNode(sources, out) {
  await build({
    entryPoints: sources.map((file) => resolve(file)),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node18",
    sourcemap: "inline",
    define: { PAGE_ROOT: JSON.stringify(root) },
    alias: { "playwright-core": join(root, "node_modules/playwright-core/index.mjs") },
    external: [join(root, "node_modules/*")],
    logLevel: "warning",
  });
  return sources.map((file) => join(out, basename(file).replace(/\.ts$/, ".mjs")));
}
