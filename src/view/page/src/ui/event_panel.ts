// SPDX-License-Identifier: Apache-2.0
//
// All events as a list, those of the current step marked. Rows are made only for what shows.
import { laneLooks } from "./timeline_panel.js";
import { h, setText } from "./dom.js";
import type { View } from "./view.js";
import { microseconds } from "../model/story.js";

const rowHeight = 20;

export class EventPanel {
  readonly #tall = h("div", { class: "tall" });
  readonly #window = h("div", { class: "rows" });
  #position = -1;
  #first = 0; // of the events that show
  #count = 0;
  #key = "";

  constructor(
    private readonly scroller: HTMLElement,
    private readonly note: HTMLElement,
    private readonly view: View,
    requestPaint: () => void,
  ) {
    this.#tall.append(this.#window);
    scroller.append(this.#tall);
    scroller.addEventListener("scroll", () => requestPaint(), { passive: true });
    new ResizeObserver(() => requestPaint()).observe(scroller);
    this.#window.addEventListener("click", (event) => {
      // Text may be selected without going anywhere.
      if (window.getSelection()?.isCollapsed === false) return;
      const row = (event.target as Element).closest<HTMLElement>("[data-step]");
      if (row !== null) view.seek(Number(row.dataset["step"]) + 1);
    });
  }

  // Scrolls to the current step, and finds out which rows show: before anything paints, as
  // CanvasPanel.measure.
  measure(): void {
    const { view, scroller } = this;
    this.#tall.style.height = `${view.recording.events.length * rowHeight}px`;
    if (view.position !== this.#position) {
      this.#position = view.position;
      this.#reveal();
    }
    this.#first = Math.max(0, Math.floor(scroller.scrollTop / rowHeight) - 4);
    this.#count = Math.ceil(scroller.clientHeight / rowHeight) + 8;
  }

  paint(): void {
    const { view } = this;
    const { events } = view.recording;
    setText(this.note, events.length.toLocaleString("en"));
    const [first, count] = [this.#first, this.#count];
    const key = [first, count, events.length, view.position].join();
    if (key === this.#key) return;
    this.#key = key;
    this.#window.style.transform = `translateY(${first * rowHeight}px)`;
    this.#window.replaceChildren(
      ...events.slice(first, first + count).map((_, i) => this.#row(first + i)),
    );
  }

  #reveal(): void {
    const { view, scroller } = this;
    const step = view.step === undefined ? undefined : view.recording.steps[view.step];
    const top = (step?.firstEvent ?? 0) * rowHeight;
    const bottom = top + (step?.events ?? 0) * rowHeight;
    if (top < scroller.scrollTop || bottom > scroller.scrollTop + scroller.clientHeight) {
      scroller.scrollTop = Math.max(0, top - scroller.clientHeight / 3);
    }
  }

  #row(at: number): HTMLElement {
    const { view } = this;
    const event = view.recording.events[at]!;
    const now = event.step === view.step;
    const group = view.story.group(event);
    const found = view.recording.isAccused(at);
    const future = view.step === undefined || event.step > view.step;
    const header = view.recording.header!;
    return h(
      "div",
      {
        class: `event ${group}${now ? " now" : ""}${future ? " future" : ""}${found ? " found" : ""}`,
        "data-step": String(event.step),
        title: `${view.story.describe(event)} (${laneLooks[group].name}, ${microseconds(event.tsc, header)} after the start)`,
      },
      h("span", { class: "mono number" }, String(event.number)),
      h("span", { class: "mark", "aria-hidden": "true" }),
      h("span", { class: "mono number pid" }, String(event.pid)),
      h("span", { class: "text" }, view.story.brief(event)),
    );
  }
}
