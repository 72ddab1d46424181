// Records in order, while a few of very many come, go or change: sorting 100,000 anew costs more than reading the one
// that is new.

export class SortedRecords<T> {
  readonly #compare: (a: T, b: T) => number;
  #sorted: readonly T[] = Object.freeze([]);
  #gone = new Set<T>();
  #come = new Set<T>();

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  /** In: an object that is not among them. */
  add(record: T): void {
    this.#come.add(record);
  }

  remove(record: T): void {
    if (!this.#come.delete(record)) this.#gone.add(record);
  }

  /** All of them, in order; the same array until something changes. */
  all(): readonly T[] {
    if (this.#gone.size + this.#come.size === 0) return this.#sorted;
    const stayed =
      this.#gone.size === 0 ? this.#sorted : this.#sorted.filter((record) => !this.#gone.has(record));
    this.#sorted = Object.freeze(this.#merge(stayed, [...this.#come].toSorted(this.#compare)));
    this.#gone = new Set();
    this.#come = new Set();
    return this.#sorted;
  }

  #merge(stayed: readonly T[], come: readonly T[]): readonly T[] {
    if (stayed.length === 0) return come;
    const merged: T[] = [];
    let from = 0;
    for (const record of come) {
      const to = this.#placeOf(record, stayed, from);
      for (; from < to; from += 1) {
        const earlier = stayed[from];
        if (earlier !== undefined) merged.push(earlier);
      }
      merged.push(record);
    }
    for (const rest of stayed.slice(from)) merged.push(rest);
    return merged;
  }

  /** The first place from `low` on whose record comes after this one. */
  #placeOf(record: T, among: readonly T[], low: number): number {
    let [first, last] = [low, among.length];
    while (first < last) {
      const middle = (first + last) >>> 1;
      const other = among[middle];
      if (other !== undefined && this.#compare(other, record) <= 0) first = middle + 1;
      else last = middle;
    }
    return first;
  }
}
