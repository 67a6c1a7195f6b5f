// SPDX-License-Identifier: Apache-2.0
//
// The tour's card: it moves the view from stop to stop and marks the part to look at.
import type { Part, Stop } from "../tour/tour.js";
import { planTour } from "../tour/tour.js";
import { byId, h, mono, setText } from "./dom.js";
import type { View } from "./view.js";

const partIds: Record<Part, string> = {
  addresses: "addresses",
  frames: "frames-panel",
  tables: "tables-panel",
  tasks: "tasks-panel",
  timeline: "timeline-panel",
  details: "details-panel",
  phases: "phases",
};

export class TourPanel {
  #stops: Stop[] = [];
  #at = -1;

  constructor(
    private readonly card: HTMLElement,
    private readonly view: View,
  ) {
    byId("tour-next").addEventListener("click", () => this.#go(this.#at + 1));
    byId("tour-back").addEventListener("click", () => this.#go(this.#at - 1));
    byId("tour-close").addEventListener("click", () => this.close());
  }

  get open(): boolean {
    return this.#at >= 0;
  }

  get stop(): number {
    return this.#at;
  }

  start(): void {
    const stops = planTour(this.view);
    this.card.hidden = false;
    if (stops === undefined) {
      this.#stops = [];
      this.#at = 0;
      setText(byId("tour-title"), "No first fork here");
      setText(byId("tour-count"), "");
      byId("tour-text").replaceChildren(
        h(
          "p",
          {},
          "The tour needs a recording in which a process forks and its child writes to a page that both have, then exits. Record one:",
        ),
        h("p", { class: "mono" }, "forkvisor view ./fork_two_pages"),
      );
      byId("tour-next").hidden = byId("tour-back").hidden = true;
      return;
    }
    byId("tour-next").hidden = byId("tour-back").hidden = false;
    this.#stops = stops;
    this.#go(0);
  }

  close(): void {
    this.#at = -1;
    this.card.hidden = true;
    this.#mark(undefined);
  }

  #go(to: number): void {
    if (to >= this.#stops.length) {
      this.close();
      return;
    }
    this.#at = Math.max(0, to);
    const stop = this.#stops[this.#at]!;
    const { view } = this;
    view.playing = false;
    view.automatic = true;
    view.seek(stop.position);
    const mm = stop.select && view.state.tasks.get(stop.select.pid)?.mm;
    view.select(
      stop.select === undefined || mm === undefined || mm === 0
        ? undefined
        : { kind: "page", mm, page: stop.select.page },
    );
    setText(byId("tour-title"), stop.title);
    setText(byId("tour-count"), `${this.#at + 1} of ${this.#stops.length}`);
    byId("tour-text").replaceChildren(...stop.text.split("\n\n").map(paragraph));
    byId<HTMLButtonElement>("tour-back").disabled = this.#at === 0;
    setText(byId("tour-next"), this.#at + 1 === this.#stops.length ? "Done" : "Next");
    this.#mark(stop.look);
    // The card goes where it does not hide what is to be seen.
    this.card.dataset["side"] = stop.look === "tasks" ? "right" : "left";
    byId("tour-next").focus();
  }

  #mark(part: Part | undefined): void {
    for (const id of Object.values(partIds))
      byId(id).classList.toggle("toured", part !== undefined && partIds[part] === id);
  }
}

// The letters of an entry stay together.
function paragraph(text: string): HTMLElement {
  const parts = text.split(/([P-][W-][C-][Z-][S-][U-][X-][A-][D-])/);
  return h("p", {}, ...parts.map((part, i) => (i % 2 === 0 ? part : mono(part))));
}
