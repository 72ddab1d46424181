// One LSH band as a chained hash table in typed arrays: a million entries cost 8 bytes each and no objects.

const SLOTS_INITIAL = 64;

export class BandTable {
  #heads: Int32Array = new Int32Array(SLOTS_INITIAL).fill(-1);
  #next: Int32Array = new Int32Array(SLOTS_INITIAL);
  #keys: Uint32Array = new Uint32Array(SLOTS_INITIAL);
  #size = 0;

  /** Adds the next entry; entries are numbered 0, 1, 2, … in the order of their adding. */
  push(key: number): void {
    if (this.#size === this.#next.length) this.#grow();
    const entry = this.#size;
    const slot = key & (this.#heads.length - 1);
    this.#keys[entry] = key;
    this.#next[entry] = this.#heads[slot] ?? -1;
    this.#heads[slot] = entry;
    this.#size += 1;
  }

  /** Calls `visit` for the newest entries under `key`, newest first, and at most `visitsMax` of them. */
  visit(key: number, visitsMax: number, visit: (entry: number) => void): void {
    let left = visitsMax;
    let entry = this.#heads[key & (this.#heads.length - 1)] ?? -1;
    while (entry >= 0 && left > 0) {
      if (this.#keys[entry] === key >>> 0) {
        visit(entry);
        left -= 1;
      }
      entry = this.#next[entry] ?? -1;
    }
  }

  #grow(): void {
    const capacity = this.#next.length * 2;
    const keys = new Uint32Array(capacity);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#next = new Int32Array(capacity);
    this.#heads = new Int32Array(capacity).fill(-1);
    for (let entry = 0; entry < this.#size; entry += 1) {
      const slot = (keys[entry] ?? 0) & (capacity - 1);
      this.#next[entry] = this.#heads[slot] ?? -1;
      this.#heads[slot] = entry;
    }
  }
}
