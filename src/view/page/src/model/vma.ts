// SPDX-License-Identifier: Apache-2.0
//
// Mappings: their flags (Vma.Flag in proto/recording.proto) and what people call them.
import type { Vma } from "./state.js";
import { pageBytes } from "./state.js";

export const read = 0x1;
export const write = 0x2;
export const execute = 0x4;
export const shared = 0x8;
export const growsDown = 0x100;
export const dontFork = 0x200;
export const wipeOnFork = 0x400;
export const stack = 0x4000;
export const heap = 0x8000;

// As /proc/PID/maps says it.
export function permissions(vma: Vma): string {
  const letter = (bit: number, set: string) => ((vma.flags & bit) !== 0 ? set : "-");
  const sharing = (vma.flags & shared) !== 0 ? "s" : "p";
  return letter(read, "r") + letter(write, "w") + letter(execute, "x") + sharing;
}

// The last part of a path; what stands behind it, as in "/memfd:x (deleted)", stays.
function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

// `path`: of the file that it shows; "" if that is not known.
export function title(vma: Vma, path = ""): string {
  if ((vma.flags & (stack | growsDown)) !== 0) return "stack";
  if ((vma.flags & heap) !== 0) return "heap";
  if (path !== "") return lastPart(path);
  if ((vma.flags & shared) !== 0) return "shared memory";
  if (vma.object === 0) return "anonymous";
  if ((vma.flags & execute) !== 0) return "program text";
  return (vma.flags & write) !== 0 ? "program data" : "read-only data";
}

export function advice(vma: Vma): string {
  if ((vma.flags & dontFork) !== 0) return "not inherited by fork";
  if ((vma.flags & wipeOnFork) !== 0) return "emptied by fork";
  return "";
}

export function range(vma: Vma): string {
  const hex = (page: number) => (page * pageBytes).toString(16).padStart(8, "0");
  return `${hex(vma.page)}-${hex(vma.page + vma.pages)}`;
}

export function find(vmas: readonly Vma[], page: number): Vma | undefined {
  let low = 0;
  let high = vmas.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const vma = vmas[middle]!;
    if (vma.page + vma.pages <= page) low = middle + 1;
    else high = middle;
  }
  const vma = vmas[low];
  return vma !== undefined && vma.page <= page ? vma : undefined;
}
