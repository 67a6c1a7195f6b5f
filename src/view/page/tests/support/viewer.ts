// SPDX-License-Identifier: Apache-2.0
//
// A `forkvisor view` that runs.
import type { ChildProcess } from "node:child_process";

// The address that the command prints once it serves.
export function addressOf(viewer: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    viewer.stderr!.setEncoding("utf8").on("data", (more: string) => {
      text += more;
      const found = /http:\/\/\S+token=\w+/.exec(text);
      if (found !== null) resolve(found[0]);
    });
    viewer.on("error", reject);
    viewer.on("exit", () => reject(new Error(`no address in: ${text}`)));
  });
}

// Ends it, and waits until it is gone. Not by SIGINT: while the program runs that is the program's.
export async function stop(viewer: ChildProcess): Promise<void> {
  if (viewer.exitCode !== null || viewer.signalCode !== null) return;
  const gone = new Promise((resolve) => viewer.on("exit", resolve));
  viewer.kill("SIGTERM");
  await gone;
}
