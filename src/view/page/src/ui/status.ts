// SPDX-License-Identifier: Apache-2.0
//
// The line at the top: which run this is, and what has become of its recording.
import type { Recording } from "../decode/recording.js";
import { byId, setText } from "./dom.js";
import type { Status } from "./source.js";

export function describeRun(recording: Recording): void {
  const { header } = recording;
  if (header === undefined) return;
  // Paths are long and say little here; the whole stands in the hint.
  const [path = "", ...rest] = header.program;
  const words = [path.slice(path.lastIndexOf("/") + 1), ...rest].join(" ");
  setText(byId("program"), words);
  byId("program").title = header.program.join(" ");
  const memory = `${Math.round(header.ramBytes / 2 ** 20)} MiB`;
  const when =
    header.unixTime > 0
      ? new Date(header.unixTime * 1000).toISOString().slice(0, 16).replace("T", " ")
      : "";
  const host = header.host.split(" (ring")[0]!;
  setText(
    byId("run"),
    [header.strategy && `${header.strategy} fork`, memory, host, when].filter(Boolean).join(" · "),
  );
  byId("run").title = header.host;
  document.title = `${words} - Forkvisor`;
}

const endings = ["ended", "stopped", "the guest failed", "ran out of time", "interrupted"];

export function statusWords(
  recording: Recording,
  status: Status,
): { text: string; look: "" | "live" | "warn" } {
  switch (status.kind) {
    case "empty":
      return { text: "", look: "" };
    case "loading":
      return { text: "loading", look: "" };
    case "live":
      return { text: "live", look: "live" };
    case "failed":
      return { text: status.problem, look: "warn" };
    case "done":
  }
  const { end, limit, findings } = recording;
  if (status.problem !== "") return { text: status.problem, look: "warn" };
  if (limit !== undefined)
    return { text: `recorded up to its limit of ${Math.round(limit / 2 ** 20)} MiB`, look: "warn" };
  if (findings.length > 0)
    return {
      text: `${findings.length} ${findings.length === 1 ? "finding" : "findings"}`,
      look: "warn",
    };
  if (end !== undefined && end.how !== 0)
    return { text: [endings[end.how], end.message].filter(Boolean).join(": "), look: "warn" };
  return { text: "recorded", look: "" };
}
