// SPDX-License-Identifier: Apache-2.0
//
// Protocol Buffers' wire format, as much of it as recordings use. Bytes come from outside: whatever
// they are, reading ends with a value or with a WireError.

export class WireError extends Error {}

// A 64-bit number: exact, a bigint only where a number would not be.
export type Wide = number | bigint;

export class Reader {
  #at: number;

  constructor(
    readonly bytes: Uint8Array,
    start = 0,
    readonly end = bytes.length,
  ) {
    this.#at = start;
  }

  get done(): boolean {
    return this.#at >= this.end;
  }

  // A varint of at most 32 bits; of a longer one the low 32 bits.
  uint32(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new WireError("a number of more than ten bytes");
  }

  // A sint64; one beyond 2^53 loses its low bits.
  sint64(): number {
    const value = BigInt(this.uint64());
    return Number((value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n));
  }

  uint64(): Wide {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 7; ++i) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    let rest = 0n;
    for (let shift = 0n; shift < 21n; shift += 7n) {
      const byte = this.#byte();
      rest |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const whole = BigInt.asUintN(64, BigInt(value) | (rest << 49n));
        return whole <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(whole) : whole;
      }
    }
    throw new WireError("a number of more than ten bytes");
  }

  // For addresses and counts, which are below 2^53 in any recording that is right.
  safe(): number {
    const value = this.uint64();
    if (typeof value === "bigint") throw new WireError("a number that is too large for its field");
    return value;
  }

  string(): string {
    const { bytes, from, to } = this.#delimited();
    return new TextDecoder().decode(bytes.subarray(from, to));
  }

  message(): Reader {
    const { bytes, from, to } = this.#delimited();
    return new Reader(bytes, from, to);
  }

  // Calls `field` for each field of the message; what it does not read is passed over.
  fields(field: (number: number) => boolean): void {
    while (!this.done) {
      const key = this.uint32();
      const before = this.#at;
      if (field(key >>> 3)) continue;
      this.#at = before;
      this.#skip(key & 7);
    }
  }

  // A repeated number, packed as proto3 writes it.
  packed<T>(one: (reader: Reader) => T): T[] {
    const inner = this.message();
    const values: T[] = [];
    while (!inner.done) values.push(one(inner));
    return values;
  }

  #byte(): number {
    if (this.#at >= this.end) throw new WireError("a message that is cut short");
    return this.bytes[this.#at++]!;
  }

  #delimited(): { bytes: Uint8Array; from: number; to: number } {
    const length = this.uint32();
    const from = this.#at;
    if (length > this.end - from) throw new WireError("a field that is longer than its message");
    this.#at = from + length;
    return { bytes: this.bytes, from, to: this.#at };
  }

  #skip(type: number): void {
    switch (type) {
      case 0:
        this.uint64();
        break;
      case 1:
        this.#forward(8);
        break;
      case 2:
        this.#delimited();
        break;
      case 5:
        this.#forward(4);
        break;
      default:
        throw new WireError(`a field of type ${type}`);
    }
  }

  #forward(count: number): void {
    if (count > this.end - this.#at) throw new WireError("a message that is cut short");
    this.#at += count;
  }
}
