// SPDX-License-Identifier: Apache-2.0
//
// What the looks of cells mean, as a list.
import type { Look } from "../paint/looks.js";
import { h } from "./dom.js";
import type { Theme } from "./theme.js";
import type { View } from "./view.js";
import type { Colouring, FrameColours } from "./frame_colours.js";
import { colourings } from "./frame_colours.js";

export function legend(list: HTMLElement, looks: readonly Look[], theme: Theme): void {
  list.replaceChildren(
    ...looks.map((look) => h("li", { title: look.meaning }, swatch(look, theme), look.name)),
  );
}

// A cell, as a picture in a line of text.
export function swatch(look: Look, theme: Theme): HTMLCanvasElement {
  const canvas = h("canvas", { "aria-hidden": "true", class: "swatch" });
  canvas.width = canvas.height = 13 * devicePixelRatio;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.scale(devicePixelRatio, devicePixelRatio);
  theme.stamps.draw(context, look, 0, 0, 14);
  return canvas;
}

const mostProcesses = 10; // in the legend; all of them are in the tree of tasks

// The legend of physical memory, with a button for each process, and the choice of the colouring.
export class FrameLegend {
  #key = "";

  constructor(
    private readonly list: HTMLElement,
    private readonly choice: HTMLElement,
    private readonly view: View,
    private readonly theme: Theme,
    private readonly colours: FrameColours,
  ) {
    choice.append(
      ...colourings.map((by) =>
        h("button", { role: "radio", "data-by": by, title: titles[by] }, by),
      ),
    );
    choice.addEventListener("click", (event) => {
      const by = (event.target as HTMLElement).dataset["by"] as Colouring | undefined;
      if (by !== undefined) view.colour(by);
    });
    list.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLElement>("[data-process]");
      if (button !== null) view.light(Number(button.dataset["process"]));
    });
  }

  paint(): void {
    const { view, theme } = this;
    const entries = this.colours.legend();
    const processes = entries.filter(({ process }) => process !== undefined);
    const names = processes.map(({ look, process }) => [process, look.name, look.colour]);
    const key = JSON.stringify([view.colouring, view.spotlight, theme.scheme, names]);
    if (key === this.#key) return;
    this.#key = key;
    for (const button of this.choice.children)
      button.setAttribute(
        "aria-checked",
        String((button as HTMLElement).dataset["by"] === view.colouring),
      );
    const focused = (document.activeElement as HTMLElement | null)?.dataset["process"];
    const hidden = processes.slice(mostProcesses);
    const items = entries
      .filter((entry) => !hidden.includes(entry))
      .map(({ look, process }) => {
        const picture = swatch(look, theme);
        if (process === undefined) return h("li", { title: look.meaning }, picture, look.name);
        const lit = String(view.spotlight === process);
        const attributes = {
          "data-process": String(process),
          "aria-pressed": lit,
          title: `let the ${look.meaning} stand out`,
        };
        return h("li", {}, h("button", attributes, picture, look.name));
      });
    if (hidden.length > 0) {
      const rest = hidden.map(({ look }) => look.name).join(", ");
      items.splice(mostProcesses, 0, h("li", { title: rest }, `and ${hidden.length} more`));
    }
    if (view.colouring === "owner") {
      // Processes have lines of their own, so that nothing moves when the second one comes.
      if (processes.length === 0) items.unshift(h("li", {}, "no process has memory"));
      const own = Math.max(1, Math.min(processes.length, mostProcesses + 1));
      items.splice(own, 0, h("li", { class: "break", "aria-hidden": "true" }));
    }
    this.list.replaceChildren(...items);
    if (focused !== undefined)
      this.list.querySelector<HTMLElement>(`[data-process="${focused}"]`)?.focus();
  }
}

const titles: Record<Colouring, string> = {
  owner: "colours say which process has a frame",
  kind: "colours say what a frame is used for",
  sharing: "colours say how many processes have a frame",
};
