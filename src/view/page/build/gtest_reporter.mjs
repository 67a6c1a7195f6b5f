// SPDX-License-Identifier: Apache-2.0
//
// A reporter of Node's test runner that writes GoogleTest's XML, so that ./forkvisor test counts
// these cases as it counts all others (tools/run_tests.sh).
import { basename } from "node:path";

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": " " };
const escape = (text) => String(text).replace(/[&<>"\n]/g, (character) => escapes[character]);

export default async function* report(source) {
  yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="AllTests">\n  <testsuite name="page">\n';
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    // Suites and files are reported as well; the cases are in them.
    if (data.details?.type === "suite" || data.name.endsWith(".mjs")) {
      if (type === "test:pass" || data.details?.error?.failureType === "subtestsFailed") continue;
    }
    const skipped = data.skip !== undefined && data.skip !== false;
    const file = basename(data.file ?? "page").replace(/\.test\.(mjs|ts)$/, "");
    const head = `    <testcase name="${escape(data.name)}" result="${skipped ? "skipped" : "completed"}" classname="${escape(file)}"`;
    if (type === "test:pass") {
      yield `${head} />\n`;
    } else {
      const message =
        data.details?.error?.cause?.message ?? data.details?.error?.message ?? "failed";
      yield `${head}>\n      <failure message="${escape(message)}" />\n    </testcase>\n`;
    }
  }
  yield "  </testsuite>\n</testsuites>\n";
}
