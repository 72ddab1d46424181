// What the scenario of memory needs of a target: a worker that lives through runs, and what it holds afterwards.

export type MemoryBench = {
  /** Runs of one batch between two readings: enough that a leak of a few bytes a run stands out. */
  readonly runsPerBatch: number;
  /** Readings, one after each batch; 12 where it is left out. More of them are a narrower interval of the slope. */
  readonly batches?: number;
  /** Carries out so many runs, start to end, some of them broken off. */
  live(runs: number): Promise<void>;
  /** Runs that have ended since its start, counted where the worker cannot count them: at a tool, a provider, in the database. */
  ended?(): Promise<number>;
  /** Bytes in use on the heap, after a full collection; without compiled code, where the engine tells the two apart. */
  heapBytes(): Promise<number>;
  /** Bytes of buffers that objects of the heap hold outside of it, then. */
  bufferBytes?(): Promise<number>;
  /** Bytes that the process has from its machine, then: what is outside of the heap (buffers, native code) too. */
  residentBytes?(): Promise<number>;
  /** Sockets, timers, open files and whatever else it must give back, by kind. */
  handles(): Readonly<Record<string, number>>;
  /** Which process all this is read of; one that was started anew is another. */
  process?(): string;
};
