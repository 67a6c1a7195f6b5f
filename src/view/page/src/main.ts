// SPDX-License-Identifier: Apache-2.0
//
// Puts the page together: panels, buttons, keys, and the loop that paints what changed.
import type { Recording } from "./decode/recording.js";
import { PageClass } from "./model/sharing.js";
import { pageLooks } from "./paint/looks.js";
import { AddressPanel } from "./ui/address_panel.js";
import { DetailPanel } from "./ui/detail_panel.js";
import { byId, h, setText } from "./ui/dom.js";
import { EventPanel } from "./ui/event_panel.js";
import { FramePanel } from "./ui/frame_panel.js";
import { keys, listen } from "./ui/keys.js";
import { FrameColours } from "./ui/frame_colours.js";
import { FrameLegend, legend } from "./ui/legend.js";
import { Links } from "./ui/links.js";
import { embedded, readBytes, readFile, readServer, served } from "./ui/source.js";
import type { Status } from "./ui/source.js";
import { describeRun, statusWords } from "./ui/status.js";
import { StepPanel } from "./ui/step_panel.js";
import { TablePanel } from "./ui/table_panel.js";
import { TaskPanel } from "./ui/task_panel.js";
import { Theme } from "./ui/theme.js";
import { TimelinePanel } from "./ui/timeline_panel.js";
import { TourPanel } from "./ui/tour_panel.js";
import { View } from "./ui/view.js";

const view = new View();
let wanted = false;
const requestPaint = () => {
  if (wanted) return;
  wanted = true;
  requestAnimationFrame(() => {
    wanted = false;
    paint();
  });
};
const theme = new Theme(requestPaint);
const first = new AddressPanel(
  byId("first"),
  byId("first-title"),
  byId("first-note"),
  "first",
  view,
  theme,
  requestPaint,
);
const second = new AddressPanel(
  byId("second"),
  byId("second-title"),
  byId("second-note"),
  "second",
  view,
  theme,
  requestPaint,
);
// Side by side: while both look alike, the same addresses stand at the same height.
for (const [one, other] of [
  [first, second],
  [second, first],
] as const) {
  const follow = () => {
    if (one.map.height === other.map.height) other.scroller.scrollTop = one.scroller.scrollTop;
  };
  one.scroller.addEventListener("scroll", follow, { passive: true });
}
const colours = new FrameColours(view);
const frames = new FramePanel(
  byId("frames"),
  byId("frames-note"),
  view,
  theme,
  colours,
  requestPaint,
);
const frameLegend = new FrameLegend(byId("frame-legend"), byId("colouring"), view, theme, colours);
const tables = new TablePanel(byId("tables"), byId("tables-note"), view, theme, requestPaint);
const tasks = new TaskPanel(byId("tasks"), byId("tasks-note"), view, theme);
const events = new EventPanel(byId("events"), byId("events-note"), view, requestPaint);
const details = new DetailPanel(byId("details"), view);
const step = new StepPanel(
  byId("headline"),
  byId("facts"),
  byId("phases"),
  byId("findings"),
  byId("counter"),
  view,
);
const timeline = new TimelinePanel(byId("timeline"), view, theme, requestPaint);
const links = new Links(
  document.querySelector<SVGSVGElement>("#links")!,
  view,
  [first, second],
  frames,
  tables,
  tasks,
);
const tour = new TourPanel(byId("tour-card"), view);

let paintBegan = 0; // performance.now() when the last paint did
let shown = false; // tasks and memory have been on the screen

// For measurements: when the first picture stood on the screen. A frame later it does for sure.
function markFirstPicture(): void {
  if (shown || view.state.tasks.size === 0 || frames.drawn === 0) return;
  shown = true;
  requestAnimationFrame(() => performance.mark("first-picture"));
}

function paint(): void {
  paintBegan = performance.now();
  byId("main").hidden = byId("bottom").hidden = !view.ready;
  byId("empty").hidden = view.ready;
  if (!view.ready) return;
  byId("addresses").classList.toggle("single", view.shown().second === undefined);
  frameLegend.paint(); // on which the room for the frames depends
  for (const panel of [events, first, second, frames, tables, timeline]) panel.measure();
  for (const panel of [first, second, frames, tables, tasks, events, details, step, timeline])
    panel.paint();
  links.paint(details.mappers);
  paintDifference();
  byId("play").textContent = view.playing ? "\u275A\u275A" : "\u25B6\uFE0E";
  byId("play").setAttribute("aria-label", view.playing ? "pause" : "play");
  markFirstPicture();
}

// For measurements: the milliseconds from the beginning of the next paint to the end of its frame,
// with what the browser makes of it: style, layout, pixels. A message that is sent within a frame
// comes when that is done.
function framePainted(): Promise<number> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(performance.now() - paintBegan);
    requestAnimationFrame(() => port2.postMessage(null));
  });
}

function paintDifference(): void {
  const comparison = view.comparison();
  if (comparison === undefined) {
    setText(byId("difference"), "");
    return;
  }
  const only = (side: ReadonlyMap<number, number>) =>
    side.size - comparison.otherFrame - comparison.otherRights;
  const parts = [
    `${comparison.same.toLocaleString("en")} pages alike`,
    `${comparison.otherFrame.toLocaleString("en")} with another frame`,
    `${comparison.otherRights.toLocaleString("en")} with other rights`,
    `${only(comparison.first).toLocaleString("en")} only left`,
    `${only(comparison.second).toLocaleString("en")} only right`,
  ];
  setText(byId("difference"), `Left and right: ${parts.join(" · ")}`);
  byId("difference").title =
    "A bar below a cell: another frame. Half a bar: other rights, or a page on this side only.";
}

// Scrolls every picture to what is selected.
function revealSelection(): void {
  const { selection } = view;
  if (selection === undefined) return;
  paint();
  if (selection.kind === "page") {
    for (const panel of [first, second]) {
      const rect = panel.mm === undefined ? undefined : panel.rectOf(selection.page);
      if (rect !== undefined) panel.reveal(rect);
    }
  }
  const frame = view.ready ? view.selectedFrame() : undefined;
  const rect = frame === undefined ? undefined : frames.rectOf(frame);
  if (rect !== undefined) frames.reveal(rect);
  requestPaint();
}

// ---- Header, states ----

const sink = {
  begin(recording: Recording, live: boolean) {
    tour.close();
    view.open(recording, live);
    describeRun(recording);
  },
  grown: () => view.grown(),
  status(status: Status) {
    if (status.kind === "done") view.live = false;
    const { text, look } = statusWords(view.recording, status);
    const element = byId("status");
    setText(element, text);
    element.className = look;
    element.title = text;
    paintLegends();
    setText(
      byId("empty-why"),
      status.kind === "failed" ? `It could not be read: ${status.problem}.` : "",
    );
    requestPaint();
  },
};

// ---- Buttons and keys ----

function paintLegends(): void {
  const broken = pageLooks[PageClass.broken];
  const found = view.recording.findings.length > 0;
  legend(
    byId("page-legend"),
    Object.values(pageLooks).filter((look) => found || look !== broken),
    theme,
  );
  byId("scheme").firstChild!.textContent = theme.scheme === "dark" ? "Light" : "Dark";
}

const actions = {
  help: () => byId<HTMLDialogElement>("help-dialog").showModal(),
  theme: () => {
    theme.toggle();
    paintLegends();
  },
  tour: () => tour.start(),
  open: () => byId("file").click(),
  escape: () => {
    if (tour.open) tour.close();
    else {
      view.light(undefined);
      view.select(undefined);
    }
  },
};

byId("help-keys").append(
  ...keys.map((key) => h("div", {}, h("kbd", {}, key.shown), h("span", {}, key.does))),
);
byId("open").addEventListener("click", actions.open);
byId("empty-open").addEventListener("click", actions.open);
byId("tour").addEventListener("click", actions.tour);
byId("scheme").addEventListener("click", actions.theme);
byId("help").addEventListener("click", actions.help);
byId("to-start").addEventListener("click", () => view.seek(0));
byId("to-end").addEventListener("click", () => view.follow());
byId("back").addEventListener("click", () => view.seek(view.position - 1));
byId("on").addEventListener("click", () => view.seek(view.position + 1));
byId("play").addEventListener("click", () => view.play(!view.playing));
byId<HTMLInputElement>("file").addEventListener("change", (event) => {
  const input = event.target as HTMLInputElement;
  const file = input.files?.[0];
  if (file !== undefined) void readFile(file, sink);
  input.value = ""; // the same file may be picked again
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("drop");
});
document.addEventListener("dragleave", () => document.body.classList.remove("drop"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("drop");
  const file = event.dataTransfer?.files[0];
  if (file !== undefined) void readFile(file, sink);
});
listen(view, actions);
view.onChange(requestPaint);
view.onSelect = revealSelection;
window.addEventListener("resize", requestPaint);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintLegends);
paintLegends();

// Playing: whole steps, as many as are due.
let last = performance.now();
function tick(now: number): void {
  const due = Math.floor(((now - last) * view.speed) / 1000);
  if (!view.playing) last = now;
  else if (due > 0) {
    last = now;
    view.seek(view.position + due);
    if (view.position === view.steps) view.play(false);
  }
  requestAnimationFrame(tick);
}
requestAnimationFrame(tick);

const inside = embedded();
if (inside !== undefined) readBytes(inside, sink);
else if (served()) void readServer(sink);
else sink.status({ kind: "empty" });

// For tests and measurements: what is on show, where, and what drawing it took.
const forkvisor = {
  view,
  panels: { first, second, frames },
  seek: async (position: number) => {
    const start = performance.now();
    view.seek(position);
    const moved = performance.now() - start;
    return { moved, painted: await framePainted() };
  },
  drawn: () => ({
    position: view.position,
    steps: view.steps,
    first: { cells: first.drawn, counts: first.counts },
    second: { cells: second.drawn, counts: second.counts },
    frames: { cells: frames.drawn, counts: frames.counts },
    tables: tables.drawn,
    tableBoxes: tables.tree.boxes.size,
    links: links.drawn,
    events: timeline.drawn,
    mappers: details.mappers.length,
    tour: tour.stop,
    colouring: view.colouring,
    spotlight: view.spotlight,
  }),
};
export type PageApi = typeof forkvisor;
declare global {
  interface Window {
    forkvisor: PageApi;
  }
}
window.forkvisor = forkvisor;
