// SPDX-License-Identifier: Apache-2.0
//
// The tasks at this step, as a tree by parent. A click on a task shows its address space on the left,
// with Shift on the right.
import { processesOf } from "../model/owners.js";
import type { Task } from "../model/state.js";
import { describeStatus } from "../model/story.js";
import { ownerPaint } from "../paint/looks.js";
import { h, setText } from "./dom.js";
import { swatch } from "./legend.js";
import type { Theme } from "./theme.js";
import type { View } from "./view.js";

export class TaskPanel {
  #rows = new Map<number, HTMLElement>();
  #shown = "";

  constructor(
    private readonly list: HTMLElement,
    private readonly note: HTMLElement,
    private readonly view: View,
    private readonly theme: Theme,
  ) {
    list.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[data-pid]");
      if (row !== null) this.#choose(Number(row.dataset["pid"]), event.shiftKey);
    });
    list.addEventListener("keydown", (event) => this.#key(event));
  }

  #choose(pid: number, second: boolean): void {
    const mm = this.view.state.tasks.get(pid)?.mm;
    if (mm !== undefined && mm !== 0) this.view.choose(second ? "second" : "first", mm);
  }

  #key(event: KeyboardEvent): void {
    const rows = [...this.#rows.values()];
    const at = rows.indexOf(document.activeElement as HTMLElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      rows[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
    } else if (event.key === "Enter" && at >= 0) {
      this.#choose(Number(rows[at]!.dataset["pid"]), event.shiftKey);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The row of the first task with an address space, for lines.
  rowOfMm(mm: number): HTMLElement | undefined {
    for (const [pid, row] of this.#rows) {
      if (this.view.state.tasks.get(pid)?.mm === mm) return row;
    }
    return undefined;
  }

  paint(): void {
    if (!this.view.ready) return;
    const { tasks } = this.view.state;
    setText(this.note, `${tasks.size}`);
    const order = this.#order();
    const { first, second } = this.view.shown();
    const running = this.view.state.running.get(0);
    const key = JSON.stringify([
      order.map(({ task, depth }) => [task, depth]),
      first?.id,
      second?.id,
      running,
      this.view.colouring,
      this.theme.scheme,
      [...this.view.sharing().resident],
    ]);
    if (key === this.#shown) return;
    this.#shown = key;
    const focused = (document.activeElement as HTMLElement | null)?.dataset["pid"];
    this.#rows.clear();
    const rows = order.map(({ task, depth }) => {
      const row = this.#row(task, depth, task.pid === running);
      this.#rows.set(task.pid, row);
      return row;
    });
    this.list.replaceChildren(...rows);
    if (focused !== undefined) this.#rows.get(Number(focused))?.focus();
  }

  #order(): { task: Task; depth: number }[] {
    const { tasks } = this.view.state;
    const children = new Map<number, Task[]>();
    const sorted = [...tasks.values()].sort((a, b) => a.pid - b.pid);
    for (const task of sorted) {
      // A thread stands under its process, and everything else under its parent.
      const parent = task.tgid !== task.pid && tasks.has(task.tgid) ? task.tgid : task.ppid;
      const at = tasks.has(parent) && parent !== task.pid ? parent : 0;
      children.set(at, [...(children.get(at) ?? []), task]);
    }
    const order: { task: Task; depth: number }[] = [];
    const seen = new Set<number>();
    const add = (parent: number, depth: number) => {
      for (const task of children.get(parent) ?? []) {
        if (seen.has(task.pid)) continue;
        seen.add(task.pid);
        order.push({ task, depth });
        add(task.pid, depth + 1);
      }
    };
    add(0, 0);
    // What a broken guest may have: parents in a ring.
    for (const task of sorted) if (!seen.has(task.pid)) order.push({ task, depth: 0 });
    return order;
  }

  // The colour that the process's frames have, if colours say that.
  #colour(task: Task): HTMLElement {
    const process = processesOf(this.view.state).get(task.mm);
    const slot = process === undefined ? undefined : this.view.slotOf(process);
    if (slot === undefined || this.view.colouring !== "owner")
      return h("span", { class: "swatch" });
    return swatch({ ...ownerPaint(slot), name: "", meaning: "" }, this.theme);
  }

  #row(task: Task, depth: number, running: boolean): HTMLElement {
    const { view } = this;
    const { first, second } = view.shown();
    const side =
      task.mm === 0 ? "" : task.mm === first?.id ? "L" : task.mm === second?.id ? "R" : "";
    const state = view.recording.header?.taskStates[task.state] ?? "?";
    const zombie = state.includes("zombie");
    const pages =
      task.mm === 0 ? "" : (view.sharing().resident.get(task.mm) ?? 0).toLocaleString("en");
    const what = zombie
      ? `zombie, ${describeStatus(task.exitStatus)}`
      : running
        ? "on CPU"
        : state;
    const row = h(
      "div",
      {
        class: `task${running ? " running" : ""}${zombie ? " zombie" : ""}`,
        title: what,
        role: "treeitem",
        tabindex: "0",
        "data-pid": String(task.pid),
        "aria-level": String(depth + 1),
        "aria-selected": String(side !== ""),
        "aria-label": `pid ${task.pid} ${task.name}, ${what}, ${pages || "no"} pages${side === "" ? "" : side === "L" ? ", shown left" : ", shown right"}`,
      },
      this.#colour(task),
      h("span", { class: "mono pid" }, String(task.pid)),
      h(
        "span",
        { class: "name" },
        task.name || "kernel",
        task.tgid === task.pid ? "" : " (thread)",
      ),
      h("span", { class: "what" }, what),
      h("span", { class: "number" }, pages),
      h("span", { class: `side${side === "" ? " none" : ""}` }, side),
    );
    row.style.paddingLeft = `${6 + 14 * Math.min(depth, 8)}px`;
    return row;
  }
}
