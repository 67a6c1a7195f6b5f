// SPDX-License-Identifier: Apache-2.0
//
// Entries of page tables, as a recording has them: flags (EntryFlag in proto/recording.proto) and a
// frame. raw() gives the 64 bits that the CPU reads (proto/pte.h).

export const empty = 0;
export const present = 0x1;
export const writable = 0x2;
export const user = 0x4;
export const copyOnWrite = 0x8;
export const accessed = 0x10;
export const dirty = 0x20;
export const noExecute = 0x40;
export const zero = 0x80;
export const sharedTable = 0x100;
export const guard = 0x200;
export const hugePage = 0x400;

// The bit of the entry for each flag, lowest flag first.
const rawBits = [
  0, 1, 2, 9, 5, 6, 63, 10, 11, 52, 7, 8, 3, 4, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
];

export function raw(flags: number, frame: number): bigint {
  let entry = BigInt(frame) << 12n;
  rawBits.forEach((bit, flag) => {
    if ((flags & (1 << flag)) !== 0) entry |= 1n << BigInt(bit);
  });
  return entry;
}

export function rawHex(flags: number, frame: number): string {
  return `0x${raw(flags, frame).toString(16).padStart(16, "0")}`;
}

// The oracle's letters, a dash for a bit that is clear.
export function letters(flags: number): string {
  const bits: [boolean, string][] = [
    [(flags & present) !== 0, "P"],
    [(flags & writable) !== 0, "W"],
    [(flags & copyOnWrite) !== 0, "C"],
    [(flags & zero) !== 0, "Z"],
    [(flags & sharedTable) !== 0, "S"],
    [(flags & user) !== 0, "U"],
    [(flags & noExecute) === 0, "X"],
    [(flags & accessed) !== 0, "A"],
    [(flags & dirty) !== 0, "D"],
  ];
  return bits.map(([set, letter]) => (set ? letter : "-")).join("");
}

export const letterNames =
  "P present, W writable, C copy-on-write, Z zero frame, S shared table, U user, X executable, " +
  "A accessed, D dirty";
