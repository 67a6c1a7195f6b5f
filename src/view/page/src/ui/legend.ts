// SPDX-License-Identifier: Apache-2.0
//
// What the looks of cells mean, as a list.
import type { Look } from "../paint/looks.js";
import { h } from "./dom.js";
import type { Theme } from "./theme.js";

export function legend(list: HTMLElement, looks: readonly Look[], theme: Theme): void {
  list.replaceChildren(
    ...looks.map((look) => {
      const canvas = h("canvas", { "aria-hidden": "true" });
      canvas.width = canvas.height = 13 * devicePixelRatio;
      const context = canvas.getContext("2d")!;
      context.scale(devicePixelRatio, devicePixelRatio);
      theme.stamps.draw(context, look, 0, 0, 14);
      return h("li", { title: look.meaning }, canvas, look.name);
    }),
  );
}
