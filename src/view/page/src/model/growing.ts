// SPDX-License-Identifier: Apache-2.0
//
// A Uint32Array that grows: the storage of long logs of numbers.

export class GrowingWords {
  words: Uint32Array;
  length = 0;

  constructor(capacity = 1024) {
    this.words = new Uint32Array(capacity);
  }

  // Makes room for `count` more words; what `words` was before may be stale afterwards.
  reserve(count: number): void {
    if (this.length + count <= this.words.length) return;
    const larger = new Uint32Array(Math.max(2 * this.words.length, this.length + count));
    larger.set(this.words.subarray(0, this.length));
    this.words = larger;
  }

  push(...values: number[]): void {
    this.reserve(values.length);
    for (const value of values) this.words[this.length++] = value;
  }
}
