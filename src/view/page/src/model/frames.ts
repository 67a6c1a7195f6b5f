// SPDX-License-Identifier: Apache-2.0
//
// What a frame is used for, from its record and from who maps it.
import type { Sharing } from "./sharing.js";
import type { State } from "./state.js";
import { FrameKind } from "./state.js";

export const enum FrameClass {
  free,
  reserved,
  kernel,
  table,
  tableShared,
  own,
  cowShared,
  unmapped,
  file,
  fileUnmapped,
  zero,
}

export const frameClasses = 11;

export function classifyFrame(state: State, sharing: Sharing, frame: number): FrameClass {
  const mappings = sharing.mappings[frame] ?? 0;
  switch (state.frameKind[frame] as FrameKind) {
    case FrameKind.free:
      return FrameClass.free;
    case FrameKind.reserved:
      return FrameClass.reserved;
    case FrameKind.table:
      return (sharing.reach.get(frame) ?? 0) > 1 ? FrameClass.tableShared : FrameClass.table;
    case FrameKind.anon:
      if (mappings === 0) return FrameClass.unmapped;
      return mappings > 1 ? FrameClass.cowShared : FrameClass.own;
    case FrameKind.file:
      return mappings === 0 ? FrameClass.fileUnmapped : FrameClass.file;
    case FrameKind.zero:
      return FrameClass.zero;
    default:
      return FrameClass.kernel;
  }
}
