// SPDX-License-Identifier: Apache-2.0
//
// Writes recordings, for tests: the messages of proto/recording.proto from plain objects.
import { crc32c } from "../../src/decode/crc32c.js";

// A message under construction. Fields that are 0 or empty are left out, but by always().
export class Message {
  #bytes: number[] = [];

  get bytes(): readonly number[] {
    return this.#bytes;
  }

  number(field: number, value: number | bigint): this {
    return value === 0 ? this : this.always(field, value);
  }

  always(field: number, value: number | bigint): this {
    this.#varint(field * 8);
    this.#varint(value);
    return this;
  }

  string(field: number, value: string): this {
    if (value !== "") this.#delimited(field, [...new TextEncoder().encode(value)]);
    return this;
  }

  message(field: number, value: Message): this {
    this.#delimited(field, value.bytes);
    return this;
  }

  packed(field: number, values: readonly (number | bigint)[]): this {
    if (values.length === 0) return this;
    const inner = new Message();
    for (const value of values) inner.#varint(value);
    this.#delimited(field, inner.bytes);
    return this;
  }

  #varint(value: number | bigint): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.#bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#bytes.push(Number(rest));
  }

  #delimited(field: number, bytes: readonly number[]): void {
    this.#varint(field * 8 + 2);
    this.#varint(bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
  }
}

export const fileHead = [0x46, 0x56, 0x52, 0x45, 0x43, 0x0d, 0x0a, 0x1a, 1, 0, 0, 0, 0, 0, 0, 0];

// One record of the file: `field` is that of Record.kind.
export function record(field: number, message: Message): Uint8Array {
  const payload = new Message().message(field, message).bytes;
  const bytes = new Uint8Array(8 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length, true);
  bytes.set(payload, 8);
  view.setUint32(4, crc32c(bytes, 8, bytes.length, crc32c(bytes, 0, 4)), true);
  return bytes;
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
