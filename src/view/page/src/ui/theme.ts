// SPDX-License-Identifier: Apache-2.0
//
// Light or dark: as the system says, unless it was chosen here. Canvases take the colours from the
// same CSS variables as everything else.
import type { ColourName, Palette } from "../paint/looks.js";
import { colourNames } from "../paint/looks.js";
import { Stamps } from "../paint/stamps.js";

export type Scheme = "light" | "dark";

export class Theme {
  #stamps: Stamps | undefined;
  #chosen: Scheme | undefined;
  readonly #system = window.matchMedia("(prefers-color-scheme: dark)");

  constructor(private readonly changed: () => void) {
    this.#system.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  get scheme(): Scheme {
    return this.#chosen ?? (this.#system.matches ? "dark" : "light");
  }

  toggle(): void {
    this.#chosen = this.scheme === "dark" ? "light" : "dark";
    this.#apply();
  }

  get stamps(): Stamps {
    if (this.#stamps === undefined || this.#stamps.scale !== window.devicePixelRatio) {
      const style = getComputedStyle(document.documentElement);
      const palette = Object.fromEntries(
        colourNames.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
      ) as Record<ColourName, string>;
      this.#stamps = new Stamps(palette, window.devicePixelRatio);
    }
    return this.#stamps;
  }

  get palette(): Palette {
    return this.stamps.palette;
  }

  #apply(): void {
    document.documentElement.dataset["scheme"] = this.scheme;
    this.#stamps = undefined;
    this.changed();
  }
}
