// SPDX-License-Identifier: Apache-2.0
//
// Making and finding elements.

export type Child = Node | string;

// An element with attributes ("class" and so on) and children.
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`no element #${id}`);
  return element as T;
}

export function mono(text: string): HTMLElement {
  return h("span", { class: "mono" }, text);
}

// Sets text only if it differs, which leaves a selection of it alone.
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
