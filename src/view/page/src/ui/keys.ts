// SPDX-License-Identifier: Apache-2.0
//
// The keyboard: one table, from which the help is made as well.
import { pageBytes } from "../model/state.js";
import type { View } from "./view.js";

export interface Actions {
  readonly help: () => void;
  readonly theme: () => void;
  readonly tour: () => void;
  readonly open: () => void;
  readonly escape: () => void;
}

export interface Key {
  readonly keys: readonly string[]; // KeyboardEvent.key
  readonly shown: string;
  readonly does: string;
  readonly run: (view: View, actions: Actions) => void;
}

const isFork = (kind: string) => kind === "fork-end";
const isCow = (kind: string) => kind === "cow-break" || kind === "cow-reuse";
const isExit = (kind: string) => kind === "exit";

function seekFinding(view: View, direction: 1 | -1): void {
  const steps = view.recording.findings.map((finding) => finding.step + 1);
  const ordered = direction === 1 ? steps : steps.reverse();
  const next = ordered.find((position) => (position - view.position) * direction > 0);
  if (next !== undefined) view.seek(next);
}

// The page that was written is selected, so that it is in sight.
function seekCow(view: View, direction: 1 | -1): void {
  if (!view.seekEvent(direction, isCow)) return;
  const event = view.story.eventsOf(view.step!).find((one) => isCow(view.story.kind(one)));
  const mm = view.state.tasks.get(event!.pid)?.mm ?? 0;
  const page = Math.floor(view.story.argument(event!, "address") / pageBytes);
  if (mm !== 0) view.select({ kind: "page", mm, page });
}

function cycleTask(view: View, direction: 1 | -1): void {
  const mms = [...view.state.tasks.values()]
    .sort((a, b) => a.pid - b.pid)
    .map((task) => task.mm)
    .filter((mm, i, all) => mm !== 0 && all.indexOf(mm) === i);
  const at = mms.indexOf(view.shown().first?.id ?? 0);
  const next = mms[(at + direction + mms.length) % mms.length];
  if (next !== undefined) view.choose("first", next);
}

export const keys: readonly Key[] = [
  {
    keys: ["ArrowRight"],
    shown: "→",
    does: "one step on",
    run: (view) => view.seek(view.position + 1),
  },
  {
    keys: ["ArrowLeft"],
    shown: "←",
    does: "one step back",
    run: (view) => view.seek(view.position - 1),
  },
  {
    keys: ["PageDown"],
    shown: "Page Down",
    does: "twenty steps on",
    run: (view) => view.seek(view.position + 20),
  },
  {
    keys: ["PageUp"],
    shown: "Page Up",
    does: "twenty steps back",
    run: (view) => view.seek(view.position - 20),
  },
  { keys: ["Home"], shown: "Home", does: "to the beginning", run: (view) => view.seek(0) },
  {
    keys: ["End"],
    shown: "End",
    does: "to the end; of a live run: follow it",
    run: (view) => view.follow(),
  },
  { keys: [" "], shown: "Space", does: "play, pause", run: (view) => view.play(!view.playing) },
  {
    keys: ["+", "="],
    shown: "+",
    does: "play faster",
    run: (view) => void (view.speed = Math.min(64, view.speed * 2)),
  },
  {
    keys: ["-"],
    shown: "-",
    does: "play slower",
    run: (view) => void (view.speed = Math.max(1, view.speed / 2)),
  },
  { keys: ["f"], shown: "f", does: "next fork", run: (view) => void view.seekEvent(1, isFork) },
  {
    keys: ["F"],
    shown: "Shift f",
    does: "fork before",
    run: (view) => void view.seekEvent(-1, isFork),
  },
  {
    keys: ["c"],
    shown: "c",
    does: "next write to a copy-on-write page, and select that",
    run: (view) => seekCow(view, 1),
  },
  {
    keys: ["C"],
    shown: "Shift c",
    does: "the one before",
    run: (view) => seekCow(view, -1),
  },
  { keys: ["x"], shown: "x", does: "next exit", run: (view) => void view.seekEvent(1, isExit) },
  {
    keys: ["X"],
    shown: "Shift x",
    does: "exit before",
    run: (view) => void view.seekEvent(-1, isExit),
  },
  {
    keys: ["n"],
    shown: "n",
    does: "next finding of the oracle",
    run: (view) => seekFinding(view, 1),
  },
  { keys: ["N"], shown: "Shift n", does: "finding before", run: (view) => seekFinding(view, -1) },
  { keys: ["]"], shown: "]", does: "next process on the left", run: (view) => cycleTask(view, 1) },
  { keys: ["["], shown: "[", does: "process before", run: (view) => cycleTask(view, -1) },
  {
    keys: ["a"],
    shown: "a",
    does: "show parent and child of the last fork by itself, or stop that",
    run: (view) => view.setAutomatic(!view.automatic),
  },
  {
    keys: ["m"],
    shown: "m",
    does: "colour frames by owner, kind, sharing",
    run: (view) => view.colour(),
  },
  {
    keys: ["h"],
    shown: "h",
    does: "let the left process's frames stand out, or all alike",
    run: (view) => view.light(view.spotlight ?? view.leftProcess()),
  },
  {
    keys: ["Escape"],
    shown: "Esc",
    does: "close what is open; then: select nothing",
    run: (_, actions) => actions.escape(),
  },
  { keys: ["d"], shown: "d", does: "dark or light", run: (_, actions) => actions.theme() },
  { keys: ["t"], shown: "t", does: "the tour", run: (_, actions) => actions.tour() },
  { keys: ["o"], shown: "o", does: "open a recording", run: (_, actions) => actions.open() },
  { keys: ["?"], shown: "?", does: "these keys", run: (_, actions) => actions.help() },
];

export function listen(view: View, actions: Actions): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    // A dialog has its own keys.
    if (document.querySelector("dialog[open]") !== null) return;
    const target = event.target as HTMLElement;
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
    // Space and Enter belong to a button that has the focus.
    if (target instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter")) return;
    const key = keys.find((one) => one.keys.includes(event.key));
    if (key === undefined) return;
    event.preventDefault();
    if (view.ready || ["Escape", "d", "o", "?"].includes(event.key)) key.run(view, actions);
  });
}
