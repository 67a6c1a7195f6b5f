// SPDX-License-Identifier: Apache-2.0
//
// Screenshots: PNG (ISO/IEC 15948) with eight bits a channel. Reads one, and makes one small, with a
// palette: the colours that occur most and differ become the palette; others take the nearest.
import { deflateSync, inflateSync } from "node:zlib";

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export function shrink(png: Buffer): Buffer {
  const { width, height, channels, pixels } = decode(png);
  const key = (at: number) => (pixels[at]! << 16) | (pixels[at + 1]! << 8) | pixels[at + 2]!;
  const seen = new Map<number, number>();
  for (let at = 0; at < pixels.length; at += channels)
    seen.set(key(at), (seen.get(key(at)) ?? 0) + 1);
  const ordered = [...seen.entries()].sort(([, a], [, b]) => b - a).map(([colour]) => colour);
  const palette: Colour[] = [];
  for (const colour of ordered.map(parts)) {
    if (palette.length === 256) break;
    if (palette.every((chosen) => distance(chosen, colour) > closeBy)) palette.push(colour);
  }
  const indexes = new Map(ordered.map((colour) => [colour, nearest(palette, parts(colour))]));
  const rows = Buffer.alloc(height * (width + 1)); // each row after its filter, none
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      rows[y * (width + 1) + 1 + x] = indexes.get(key((y * width + x) * channels))!;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette.flat())),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

// CRC-32 as PNG has it.
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

type Colour = readonly [red: number, green: number, blue: number];

// Two colours no further apart than this need not both be in a palette.
const closeBy = 100;

function parts(colour: number): Colour {
  return [colour >> 16, (colour >> 8) & 0xff, colour & 0xff];
}

function distance(a: Colour, b: Colour): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
}

function nearest(palette: readonly Colour[], colour: Colour): number {
  let best = 0;
  palette.forEach((one, i) => {
    if (distance(one, colour) < distance(palette[best]!, colour)) best = i;
  });
  return best;
}

function chunk(name: string, data: Buffer): Buffer {
  const bytes = Buffer.concat([
    Buffer.alloc(4),
    Buffer.from(name, "latin1"),
    data,
    Buffer.alloc(4),
  ]);
  bytes.writeUInt32BE(data.length, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}

export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
}

// A PNG as browsers' screenshots are: eight bits a channel, no palette, not interlaced.
export function decode(png: Buffer): Image {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const channels = png[25] === 6 ? 4 : 3;
  if (png[24] !== 8 || (png[25] !== 6 && png[25] !== 2) || png[28] !== 0)
    throw new Error("an unknown form of PNG");
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT")
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const raw = inflateSync(Buffer.concat(data));
  const stride = width * channels;
  const pixels = new Uint8Array(height * stride);
  for (let y = 0; y < height; ++y) {
    const filter = raw[y * (stride + 1)]!;
    for (let x = 0; x < stride; ++x) {
      const left = x >= channels ? pixels[y * stride + x - channels]! : 0;
      const up = y > 0 ? pixels[(y - 1) * stride + x]! : 0;
      const corner = x >= channels && y > 0 ? pixels[(y - 1) * stride + x - channels]! : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
      pixels[y * stride + x] = raw[y * (stride + 1) + 1 + x]! + predicted;
    }
  }
  return { width, height, channels, pixels };
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [a, b, c] = [
    Math.abs(estimate - left),
    Math.abs(estimate - up),
    Math.abs(estimate - corner),
  ];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
