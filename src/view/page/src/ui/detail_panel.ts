// SPDX-License-Identifier: Apache-2.0
//
// The selection in words: the page and its mapping, the entries on the way to it, its frame, and
// everyone who maps that frame.
import * as entry from "../model/entry.js";
import { classifyFrame } from "../model/frames.js";
import { classify, mappersOf, tasksOf } from "../model/sharing.js";
import type { Mapper } from "../model/sharing.js";
import type { Mm } from "../model/state.js";
import { FrameKind, pageBytes } from "../model/state.js";
import * as vmas from "../model/vma.js";
import { walk } from "../model/walk.js";
import { frameLooks, pageLooks } from "../paint/looks.js";
import { h, mono } from "./dom.js";
import { hasChanged } from "./view.js";
import type { View } from "./view.js";

const maxMappers = 200;

export class DetailPanel {
  mappers: readonly Mapper[] = [];
  #key = "";

  constructor(
    private readonly box: HTMLElement,
    private readonly view: View,
  ) {
    box.addEventListener("click", (event) => {
      const link = (event.target as Element).closest<HTMLElement>("[data-mm]");
      if (link === null) return;
      const mm = Number(link.dataset["mm"]);
      const shown = view.shown();
      if (shown.first?.id !== mm && shown.second?.id !== mm) view.choose("second", mm);
      view.select({ kind: "page", mm, page: Number(link.dataset["page"]) });
    });
  }

  paint(): void {
    const { view } = this;
    const key = [view.position, view.steps, JSON.stringify(view.selection), view.ready].join();
    if (key === this.#key) return;
    this.#key = key;
    this.mappers = [];
    if (!view.ready || view.selection === undefined) {
      this.box.replaceChildren(
        h(
          "p",
          { class: "hint" },
          "Click a page or a frame, or move to one with the arrow keys: here stands where it leads, and who else maps it.",
        ),
      );
      return;
    }
    const frame = view.selectedFrame();
    if (frame !== undefined && view.state.frameKind[frame] !== FrameKind.zero) {
      this.mappers = mappersOf(view.state, frame);
    }
    this.box.replaceChildren(...this.#blocks(frame));
  }

  #blocks(frame: number | undefined): HTMLElement[] {
    const { selection, state } = this.view;
    if (selection?.kind !== "page")
      return frame === undefined
        ? []
        : [block("Frame", ...this.#frameRows(frame), this.#useRow(frame)), this.#mapperBlock()];
    const mm = state.mms.get(selection.mm);
    if (mm === undefined) {
      return [
        h("p", { class: "hint" }, "The selected page's address space does not exist at this step."),
      ];
    }
    const page = this.#pageBlock(mm, selection.page, frame);
    const way = this.#walkBlock(mm, selection.page);
    return frame === undefined ? [page, way] : [page, this.#mapperBlock(), way];
  }

  // What matters most comes first: a small window cuts off the rest.
  #pageBlock(mm: Mm, page: number, frame: number | undefined): HTMLElement {
    const { view } = this;
    const vma = vmas.find(mm.vmas, page);
    const last = walk(view.state, mm, page).find((hop) => hop.table.level === 1);
    const shared = vma !== undefined && (vma.flags & vmas.shared) !== 0;
    const kind = classify(
      view.state,
      view.sharing(),
      shared,
      last?.table.frame ?? 0,
      last?.flags ?? 0,
      last?.frame ?? 0,
    );
    const look = pageLooks[kind];
    const path = vma === undefined ? "" : view.pathOf(vma);
    return block(
      "Page",
      row("address", mono(`0x${(page * pageBytes).toString(16)}`)),
      row("of", view.nameOf(mm)),
      row("is", h("span", {}, h("b", {}, look.name), `: ${look.meaning}`)),
      ...(frame === undefined ? [] : this.#frameRows(frame)),
      row(
        "mapping",
        vma === undefined
          ? "none: not mapped at this step"
          : h(
              "span",
              {},
              `${vmas.title(vma, path)} `,
              mono(`${vmas.range(vma)} ${vmas.permissions(vma)}`),
            ),
      ),
      ...(path === "" ? [] : [row("file", mono(path))]),
    );
  }

  #walkBlock(mm: Mm, page: number): HTMLElement {
    const hops = walk(this.view.state, mm, page);
    const lines = hops.map((hop) => {
      const raw = entry.rawHex(hop.flags, hop.frame);
      return h(
        "tr",
        { class: hasChanged(this.view.changed(), hop.table.frame, hop.index) ? "changed" : "" },
        h("td", { class: "number" }, String(hop.table.level)),
        h("td", { class: "mono number" }, hop.table.frame.toString(16)),
        h("td", { class: "mono number" }, String(hop.index)),
        h("td", { class: "mono", title: `${raw}\n${entry.letterNames}` }, entry.letters(hop.flags)),
        h("td", { class: "mono raw" }, raw),
      );
    });
    const head = ["level", "table", "index", "bits", "entry"].map((name, i) =>
      h("th", { scope: "col", class: ["number", "number", "number", "", "raw"][i]! }, name),
    );
    const table = h(
      "table",
      { class: "walk" },
      h("thead", {}, h("tr", {}, ...head)),
      h("tbody", {}, ...lines),
    );
    const short = hops.at(-1)?.table.level !== 1;
    return block(
      "Walk, root first",
      table,
      ...(short ? [h("p", { class: "hint" }, "The walk ends here: there is no page.")] : []),
    );
  }

  #frameRows(frame: number): HTMLElement[] {
    const { view } = this;
    const { state } = view;
    const kind = view.recording.header?.frameStates[state.frameKind[frame]!] ?? "?";
    const rows = [
      row(
        "frame",
        h(
          "span",
          {},
          mono(`0x${frame.toString(16)}`),
          ` ${kind}, at `,
          mono(`0x${(frame * pageBytes).toString(16)}`),
        ),
      ),
    ];
    const extra = state.frameExtra[frame]!;
    if (state.frameKind[frame] === FrameKind.slab)
      rows.push(row("slab", view.recording.names.slabs.get(extra) ?? String(extra)));
    else if (extra > 0) rows.push(row("kernel pins", String(extra)));
    const table = state.tables.get(frame);
    if (table !== undefined) {
      rows.push(
        row("level", String(table.level)),
        row("reached by", `${view.sharing().reach.get(frame) ?? 1} address spaces`),
      );
    }
    return rows;
  }

  // What a page's frame is used for the page says already.
  #useRow(frame: number): HTMLElement {
    const { state } = this.view;
    return row("holds", frameLooks[classifyFrame(state, this.view.sharing(), frame)].meaning);
  }

  #mapperBlock(): HTMLElement {
    const { view } = this;
    const lines = this.mappers.slice(0, maxMappers).map((mapper) => {
      const pids = tasksOf(view.state, mapper.mm.id).join(" ");
      const here =
        view.selection?.kind === "page" &&
        view.selection.mm === mapper.mm.id &&
        view.selection.page === mapper.page;
      return h(
        "tr",
        {
          class: here ? "here" : "",
          title: `entry ${mapper.index} of table ${mapper.table.toString(16)}`,
        },
        h("td", { class: "number" }, pids || "-"),
        h(
          "td",
          {},
          h(
            "button",
            {
              class: "link mono",
              "data-mm": String(mapper.mm.id),
              "data-page": String(mapper.page),
            },
            `0x${(mapper.page * pageBytes).toString(16)}`,
          ),
        ),
        h("td", { class: "mono", title: entry.letterNames }, entry.letters(mapper.flags)),
      );
    });
    const more = this.mappers.length - lines.length;
    const head = ["pid", "address", "bits"].map((name, i) =>
      h("th", { scope: "col", class: i === 0 ? "number" : "" }, name),
    );
    return block(
      "Mapped by",
      lines.length === 0
        ? h("p", { class: "hint" }, "No page maps it.")
        : h(
            "table",
            { class: "mappers" },
            h("thead", {}, h("tr", {}, ...head)),
            h("tbody", {}, ...lines),
          ),
      ...(more > 0 ? [h("p", { class: "hint" }, `and ${more.toLocaleString("en")} more`)] : []),
    );
  }
}

function block(title: string, ...content: HTMLElement[]): HTMLElement {
  return h("section", { class: "block" }, h("h3", {}, title), ...content);
}

function row(name: string, value: HTMLElement | string): HTMLElement {
  return h(
    "div",
    { class: "row" },
    h("span", { class: "key" }, name),
    value instanceof HTMLElement ? value : h("span", {}, value),
  );
}
