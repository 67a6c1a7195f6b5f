// SPDX-License-Identifier: Apache-2.0
//
// Where a recording comes from: inside of this page, from the server that sent the page, from a file
// that was picked or dropped.
import { Recording } from "../decode/recording.js";

export type Status =
  | { readonly kind: "empty" }
  | { readonly kind: "loading" }
  | { readonly kind: "live" }
  | { readonly kind: "done"; readonly problem: string }
  | { readonly kind: "failed"; readonly problem: string };

export interface Sink {
  // A recording begins, and may grow while `live`.
  begin(recording: Recording, live: boolean): void;
  grown(): void;
  status(status: Status): void;
}

// The recording that `view --html` put into the page; undefined if none.
export function embedded(): Uint8Array | undefined {
  const text = document.getElementById("recording")?.textContent?.trim() ?? "";
  if (text === "") return undefined;
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

export function readBytes(bytes: Uint8Array, sink: Sink): void {
  const recording = new Recording();
  try {
    recording.push(bytes);
    recording.finish();
  } catch (error) {
    sink.status({ kind: "failed", problem: (error as Error).message });
    return;
  }
  if (recording.history === undefined) {
    sink.status({ kind: "failed", problem: recording.problem || "the recording is empty" });
    return;
  }
  sink.begin(recording, false);
  sink.status({ kind: "done", problem: recording.problem });
}

export async function readFile(file: File, sink: Sink): Promise<void> {
  sink.status({ kind: "loading" });
  readBytes(new Uint8Array(await file.arrayBuffer()), sink);
}

// The server that sent the page; the token is the one in the page's own address.
export function served(): boolean {
  return location.protocol.startsWith("http") && new URLSearchParams(location.search).has("token");
}

export async function readServer(sink: Sink): Promise<void> {
  sink.status({ kind: "loading" });
  const token = new URLSearchParams(location.search).get("token") ?? "";
  const recording = new Recording();
  let begun = false;
  try {
    const response = await fetch(`recording?token=${encodeURIComponent(token)}`, {
      cache: "no-store",
    });
    if (!response.ok || response.body === null)
      throw new Error(`the server answers ${response.status}`);
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      recording.push(value);
      if (!begun && recording.history !== undefined) {
        begun = true;
        sink.begin(recording, true);
        sink.status({ kind: "live" });
      } else if (begun) {
        sink.grown();
      }
    }
    recording.finish();
  } catch (error) {
    sink.status({ kind: "failed", problem: (error as Error).message });
    return;
  }
  if (!begun) sink.status({ kind: "failed", problem: recording.problem });
  else sink.status({ kind: "done", problem: recording.problem });
}
