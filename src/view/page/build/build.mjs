// SPDX-License-Identifier: Apache-2.0
//
// Makes the page: one file that needs nothing else. node build/build.mjs [FILE]; without FILE,
// dist/index.html, which is committed and which the C++ build embeds. The same bytes whoever builds it:
// versions are pinned by package-lock.json, and nothing of the machine gets in.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = process.argv[2] ?? join(root, "dist/index.html");

async function bundle(entry) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["es2022"],
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
  });
  return outputFiles[0].text.trimEnd();
}

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const style = await bundle("src/style.css");
const script = (await bundle("src/main.ts")).replaceAll("</script", "<\\/script");

// The page's own policy: nothing runs but this script, nothing is loaded but the recording.
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const page = readFileSync(join(root, "src/index.html"), "utf8")
  .replace("<!--policy-->", () => `<meta http-equiv="Content-Security-Policy" content="${policy}">`)
  .replace("<!--style-->", () => `<style>${style}</style>`)
  .replace("<!--script-->", () => `<script>${script}</script>`);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, page);
