// SPDX-License-Identifier: Apache-2.0
//
// The guided tour: a first fork in ten steps. Each step is found in the recording at hand and told
// with its own figures, so the tour works on any recording in which a process forks, the child writes
// a page that both had, and it ends; it was written for fork_two_pages.
import type { Event } from "../decode/messages.js";
import * as entry from "../model/entry.js";
import type { Fork } from "../model/story.js";
import { hexOf, microseconds } from "../model/story.js";
import { walk } from "../model/walk.js";
import type { View } from "../ui/view.js";

export type Part = "addresses" | "frames" | "tables" | "tasks" | "timeline" | "details" | "phases";

export interface Stop {
  readonly title: string;
  readonly text: string; // paragraphs are separated by an empty line
  readonly look: Part;
  readonly position: number;
  readonly select?: { readonly pid: number; readonly page: number };
}

// The events that the tour is about, all of one fork.
interface Plot {
  readonly fork: Fork;
  readonly broken: Event; // the child's write to a page that both have
  readonly exit: Event;
  readonly reuse: Event | undefined; // the parent's write afterwards
  readonly page: number;
}

function findPlot(view: View): Plot | undefined {
  const { story, recording } = view;
  const next = (after: number, wanted: (event: Event) => boolean) =>
    recording.events.find((event) => event.step > after && wanted(event));
  for (const fork of story.forks) {
    if (fork.child === 0) continue;
    const exit = next(
      fork.step,
      (event) => event.pid === fork.child && story.kind(event) === "exit",
    );
    if (exit === undefined) continue;
    const writes = recording.events.filter(
      (event) =>
        event.pid === fork.child &&
        event.step > fork.step &&
        event.step < exit.step &&
        story.kind(event) === "cow-break",
    );
    const reuseOf = (write: Event) =>
      next(
        exit.step,
        (event) =>
          event.pid === fork.parent &&
          story.kind(event) === "cow-reuse" &&
          story.argument(event, "address") === story.argument(write, "address"),
      );
    // Best is a page to which the parent writes again afterwards. The last such one is the program's
    // own rather than its library's.
    const broken = writes.findLast((write) => reuseOf(write) !== undefined) ?? writes[0];
    if (broken === undefined) continue;
    const page = Math.floor(story.argument(broken, "address") / 4096);
    return { fork, broken, exit, reuse: reuseOf(broken), page };
  }
  return undefined;
}

function existsAt(view: View, position: number, pid: number): boolean {
  const { history } = view.recording;
  const back = history!.position;
  history!.seek(position);
  const exists = view.state.tasks.has(pid);
  history!.seek(back);
  return exists;
}

// What a walk finds for a page of a task at a position; the view's own position stays.
function entryAt(
  view: View,
  position: number,
  pid: number,
  page: number,
): { bits: string; frame: string } {
  const { history } = view.recording;
  const back = history!.position;
  history!.seek(position);
  const mm = view.state.mms.get(view.state.tasks.get(pid)?.mm ?? 0);
  const last = mm && walk(view.state, mm, page).find((hop) => hop.table.level === 1);
  history!.seek(back);
  return last === undefined || last.flags === 0
    ? { bits: "(empty)", frame: "none" }
    : { bits: entry.letters(last.flags), frame: hexOf(last.frame) };
}

// The tour of this recording; undefined if nothing in it has the shape of a first fork.
export function planTour(view: View): Stop[] | undefined {
  if (!view.ready) return undefined;
  const plot = findPlot(view);
  if (plot === undefined) return undefined;
  return [...beforeAndFork(view, plot), ...writing(view, plot)];
}

function beforeAndFork(view: View, { fork, page }: Plot): Stop[] {
  const { parent, child } = fork;
  const header = view.recording.header!;
  const address = hexOf(page * 4096);
  const before = entryAt(view, fork.firstStep, parent, page);
  const after = entryAt(view, fork.step + 1, parent, page);
  const childs = entryAt(view, fork.step + 1, child, page);
  const total = fork.phases.reduce((sum, phase) => sum + phase.cycles, 0);
  const longest = [...fork.phases].sort((a, b) => b.cycles - a.cycles)[0];
  return [
    {
      title: "A process and its memory",
      text:
        `This is pid ${parent} just before it forks. Each block is a mapping, each cell a page of 4096 bytes. ` +
        `Solid blue pages are the process's own: it may write them, nobody else sees them.\n\n` +
        `Pages with a corner belong to the program's file. Empty cells were never touched: they have no memory yet.`,
      look: "addresses",
      position: fork.firstStep,
    },
    {
      title: "Where the memory is",
      text:
        `A page is only an address. What it holds lies in a frame of physical memory, and each cell on the right is one. ` +
        `The page ${address} is selected: follow the line to frame ${before.frame}.\n\n` +
        `Its colour says whose it is. Page tables and the kernel's own data lie in frames as well.`,
      look: "frames",
      position: fork.firstStep,
      select: { pid: parent, page },
    },
    {
      title: "Page tables lead the way",
      text:
        `The processor finds the frame by reading four tables, from the root on the left to level 1 on the right. ` +
        `The entry it ends at is below, under Walk: ${before.bits}.\n\n` +
        `P says that there is a page, W that it may be written. Remember the W.`,
      look: "tables",
      position: fork.firstStep,
      select: { pid: parent, page },
    },
    {
      title: "fork",
      text:
        `One step on, the process has forked: pid ${child} is there, a child of pid ${parent}, and its address space stands beside its parent's. ` +
        `They look alike: what was blue and is now mapped by both is hatched in orange.\n\n` +
        `Next to nothing was copied: ${fork.entries} entries were, and ${fork.tables} tables made.`,
      look: "tasks",
      position: fork.step + 1,
      select: { pid: parent, page },
    },
    {
      title: "One frame, two owners",
      text:
        `Both processes now map frame ${after.frame} at ${address}: a line comes from each of them, and Mapped by lists both. ` +
        `In the entries the W is gone and a C has come: ${after.bits} for the parent, ${childs.bits} for the child.\n\n` +
        `C means copy-on-write: nobody may write here any more without asking the kernel.`,
      look: "details",
      position: fork.step + 1,
      select: { pid: child, page },
    },
    {
      title: "What it cost",
      text:
        `The bar shows where the time of this fork went: ${microseconds(total, header)} in all` +
        (longest === undefined ? "." : `, most of it in the phase "${longest.name}".`) +
        `\n\nHad the kernel copied every page instead of its entry, the bar would grow with every page that the process has touched.`,
      look: "phases",
      position: fork.step + 1,
    },
  ];
}

function writing(view: View, { fork, broken, exit, reuse, page }: Plot): Stop[] {
  const { parent, child } = fork;
  const { story } = view;
  const address = hexOf(page * 4096);
  const old = hexOf(story.argument(broken, "old_pfn"));
  const made = hexOf(story.argument(broken, "new_pfn"));
  const alone = entryAt(view, broken.step + 1, parent, page);
  const stops: Stop[] = [
    {
      title: "The child writes",
      text:
        `The child has written to ${address}. The processor found no W and raised a page fault; the kernel copied frame ${old} to a fresh one, ${made}, ` +
        `and gave the child's entry its W back. This is copy-on-write happening.\n\n` +
        `The bar under the cell marks where parent and child differ now. What changed in this step has a red frame.`,
      look: "addresses",
      position: broken.step + 1,
      select: { pid: child, page },
    },
    {
      title: "The parent notices nothing",
      text:
        `The parent still has frame ${old} with what it wrote there, and its entry was not touched: ${alone.bits}. ` +
        `It is still marked copy-on-write, though nobody shares the frame any more. That is the light blue cell with the dot: alone again.`,
      look: "details",
      position: broken.step + 1,
      select: { pid: parent, page },
    },
    {
      title: "The child ends",
      text:
        `Pid ${child} has exited. Its frames went back: ${made} is no longer mapped, and whatever it shared with its parent is the parent's alone.\n\n` +
        (existsAt(view, exit.step + 1, child)
          ? `In the tree it stays as a zombie until its parent asks how it ended.`
          : `Its parent has already asked how it ended, so it has left the tree.`),
      look: "tasks",
      position: exit.step + 1,
      select: { pid: parent, page },
    },
  ];
  stops.push(
    reuse === undefined
      ? {
          title: "The end",
          text: "The parent goes on alone. Press f to find another fork, c for another write to a shared page, and ? for all keys.",
          look: "timeline",
          position: view.steps,
        }
      : {
          title: "A write without a copy",
          text:
            `Now the parent writes to ${address}. Again there is a fault, but the kernel sees that frame ${old} has one owner only: it gives the W back and copies nothing. ` +
            `The cell is solid blue, as it was before the fork.\n\n` +
            `That was a whole life of a fork. Go back with the left arrow, press f and c to find others, ? for all keys.`,
          look: "addresses",
          position: reuse.step + 1,
          select: { pid: parent, page },
        },
  );
  return stops;
}
