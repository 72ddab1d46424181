// Equal values kept once: a listing of a million records repeats few authors and few reasons.

/** Values kept at a time. When there are more, all are let go and it begins anew: sharing is a saving, not a memory. */
const KEPT_MAX = 1_024;

export class SharedValues<T> {
  readonly #kept = new Map<string, T>();

  /** The value kept under this key; the first one told is kept. */
  share(key: string, value: T): T {
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    this.#kept.set(key, value);
    return value;
  }
}
