// SPDX-License-Identifier: Apache-2.0
//
// The file around the records (docs/recording.md, "The file"): bytes come in pieces of any size, and
// whole records go out. What is not whole yet waits; the first record that is not right ends it.
import { crc32c } from "./crc32c.js";

export class FormatError extends Error {}

const magic = [0x46, 0x56, 0x52, 0x45, 0x43, 0x0d, 0x0a, 0x1a];
const fileVersion = 1;
const headBytes = 16;
const recordHeadBytes = 8;
const maxRecordBytes = 2 ** 28;

export class RecordStream {
  #pending = new Uint8Array(0);
  #length = 0; // bytes of #pending that are filled
  #headRead = false;
  #damaged = "";

  // Why no further record comes, or "".
  get damaged(): string {
    return this.#damaged;
  }

  // Bytes that came and belong to no whole record.
  get rest(): number {
    return this.#length;
  }

  // Takes more bytes and returns the records that are whole now; they stay valid until the next
  // push. Throws FormatError if this is no recording at all.
  push(bytes: Uint8Array): Uint8Array[] {
    if (this.#damaged !== "") return [];
    this.#append(bytes);
    let at = 0;
    if (!this.#headRead) {
      if (!this.#checkHead()) return [];
      at = headBytes;
      this.#headRead = true;
    }
    const records: Uint8Array[] = [];
    while (this.#damaged === "" && this.#length - at >= recordHeadBytes) {
      const payload = this.#recordAt(at);
      if (payload === undefined) break;
      records.push(payload);
      at += recordHeadBytes + payload.length;
    }
    if (at > 0) {
      // The records are views of the old array; what is left moves into a new one.
      this.#pending = this.#pending.slice(at, this.#length);
      this.#length = this.#pending.length;
    }
    return records;
  }

  #append(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#pending.length) {
      const larger = new Uint8Array(
        Math.max(2 * this.#pending.length, this.#length + bytes.length),
      );
      larger.set(this.#pending.subarray(0, this.#length));
      this.#pending = larger;
    }
    this.#pending.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #checkHead(): boolean {
    for (let i = 0; i < Math.min(magic.length, this.#length); ++i) {
      if (this.#pending[i] !== magic[i]) throw new FormatError("this is not a Forkvisor recording");
    }
    if (this.#length < headBytes) return false;
    const version = this.#view(8).getUint32(0, true);
    if (version !== fileVersion) {
      throw new FormatError(
        `the recording's format is version ${version}; this page reads version ${fileVersion}`,
      );
    }
    return true;
  }

  #recordAt(at: number): Uint8Array | undefined {
    const view = this.#view(at);
    const length = view.getUint32(0, true);
    if (length > maxRecordBytes) {
      this.#damaged = "a record that cannot be this long";
      return undefined;
    }
    const end = at + recordHeadBytes + length;
    if (end > this.#length) return undefined;
    const sum = crc32c(this.#pending, at, at + 4);
    if (crc32c(this.#pending, at + recordHeadBytes, end, sum) !== view.getUint32(4, true)) {
      this.#damaged = "a record whose checksum is wrong";
      return undefined;
    }
    return this.#pending.subarray(at + recordHeadBytes, end);
  }

  #view(at: number): DataView {
    return new DataView(this.#pending.buffer, this.#pending.byteOffset + at);
  }
}
