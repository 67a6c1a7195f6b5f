// SPDX-License-Identifier: Apache-2.0
//
// The step that led to this state: its events in a sentence, what it changed, the phases of its
// fork as a bar, and what the oracle found.
import type { Finding } from "../decode/messages.js";
import { pageBytes } from "../model/state.js";
import { hexOf, microseconds } from "../model/story.js";
import type { Fork } from "../model/story.js";
import * as vmas from "../model/vma.js";
import { h, setText } from "./dom.js";
import type { View } from "./view.js";

export class StepPanel {
  #key = "";

  constructor(
    private readonly headline: HTMLElement,
    private readonly facts: HTMLElement,
    private readonly phases: HTMLElement,
    private readonly findings: HTMLElement,
    private readonly counter: HTMLElement,
    private readonly view: View,
  ) {}

  paint(): void {
    const { view } = this;
    setText(
      this.counter,
      `${view.position.toLocaleString("en")} / ${view.steps.toLocaleString("en")}`,
    );
    const key = [view.position, view.steps, view.recording.findings.length].join();
    if (key === this.#key) return;
    this.#key = key;
    const { step } = view;
    setText(
      this.headline,
      step === undefined
        ? "The beginning: the guest as it was when recording began"
        : this.#headline(step),
    );
    setText(this.facts, step === undefined ? "" : this.#facts(step));
    this.#paintPhases(view.fork());
    this.#paintFindings();
  }

  // One line, and on a click what it is about.
  #finding(finding: Finding): HTMLElement {
    const { view } = this;
    const where =
      finding.pid === 0
        ? ""
        : ` pid ${finding.pid}${finding.address === 0 ? "" : ` ${hexOf(finding.address)}`}`;
    const button = h(
      "button",
      { class: "link", title: finding.text },
      `I${finding.invariant}${where}`,
    );
    button.addEventListener("click", () => {
      const page = Math.floor(Number(finding.address) / pageBytes);
      const mm = view.state.mms.get(finding.mm || (view.state.tasks.get(finding.pid)?.mm ?? 0));
      if (mm !== undefined && vmas.find(mm.vmas, page) !== undefined)
        view.select({ kind: "page", mm: mm.id, page });
      else if (finding.frame !== undefined) view.select({ kind: "frame", frame: finding.frame });
    });
    return h("p", { title: finding.text }, button, ` ${finding.rule}`);
  }

  #headline(step: number): string {
    const event = this.view.story.headline(step);
    if (event !== undefined) return this.view.story.describe(event);
    const { safepoint } = this.view.recording.steps[step]!;
    return safepoint === "" ? "No event" : `Changes seen at a safepoint (${safepoint})`;
  }

  #facts(step: number): string {
    const { view } = this;
    const { events, safepoint, tsc } = view.recording.steps[step]!;
    const changed = view.changed();
    const plural = (count: number, one: string, many: string) =>
      `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
    const parts = [
      `${microseconds(tsc, view.recording.header!)} after the start`,
      plural(events, "event", "events"),
      plural(changed.entries, "entry changed", "entries changed"),
      plural(changed.frames.size, "frame changed hands", "frames changed hands"),
    ];
    if (safepoint !== "") parts.push(`safepoint: ${safepoint}`);
    return parts.join(" · ");
  }

  #paintPhases(fork: Fork | undefined): void {
    const { view } = this;
    const total = fork?.phases.reduce((sum, phase) => sum + phase.cycles, 0) ?? 0;
    if (fork === undefined || total === 0) {
      this.phases.replaceChildren(h("span", { class: "hint" }, "no fork yet"));
      return;
    }
    const { header } = view.recording;
    const title = h(
      "div",
      { class: "phase-title" },
      `fork of pid ${fork.parent}${fork.child === 0 ? ", failed" : ` to pid ${fork.child}`}: ${microseconds(total, header!)}`,
    );
    const bar = h("div", {
      class: "phase-bar",
      role: "img",
      "aria-label": `Phases: ${fork.phases.map(({ name, cycles }) => `${name} ${Math.round((100 * cycles) / total)} %`).join(", ")}`,
    });
    fork.phases.forEach((phase, i) => {
      const share = phase.cycles / total;
      const segment = h(
        "div",
        {
          class: `phase p${i % 8}`,
          title: `${phase.name}: ${microseconds(phase.cycles, header!)}, ${(100 * share).toFixed(1)} %`,
        },
        share > 0.06 ? h("span", {}, phase.name) : "",
      );
      segment.style.flexGrow = String(Math.max(share, 0.004));
      bar.append(segment);
    });
    this.phases.replaceChildren(title, bar);
  }

  #paintFindings(): void {
    const { view } = this;
    const here = view.recording.findings.filter((finding) => finding.step === view.step);
    this.findings.hidden = here.length === 0;
    this.findings.replaceChildren(
      h(
        "p",
        {},
        h(
          "b",
          {},
          `! ${here.length === 1 ? "A finding" : `${here.length} findings`} of the oracle in this step:`,
        ),
      ),
      ...here.map((finding) => this.#finding(finding)),
    );
  }
}
