// A toy of a worker, with a real heap and a real collector: what it keeps of its runs is kept.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { foreignTarget, type Target } from "../target.ts";

setFlagsFromString("--expose-gc");
const gc: unknown = runInNewContext("gc");
const collect = (): void => {
  if (typeof gc !== "function") throw new Error("the collector cannot be called");
  Reflect.apply(gc, undefined, []);
};

export const WORKER_BUGS = {
  "keeps.heap": "keeps 64 bytes of every run",
  "keeps.buffers": "keeps 1 KB of every run outside of the heap",
  "keeps.pages": "keeps 4 KB of every run outside of the heap, where nobody reads buffers",
  "keeps.timers": "leaves a timer behind for every run",
  "keeps.names": "leaves a socket behind for every thousand runs, each under a name of its own",
  "keeps.failed": "keeps a kilobyte of every run that is called off, and nothing of others",
  "keeps.steps": "keeps 192 bytes of every run, put by for several batches at a time",
  "keeps.late": "keeps nothing at first, and 256 bytes of every run once it has lived for a while",
  "keeps.doubled": "keeps a place for every run in a table that doubles when it is full",
  "lives.none": "says that it has carried out what it has not",
  "lives.few": "carries out one run in ten, and keeps 64 bytes of it",
  "lives.anew": "keeps a kilobyte of every run, and starts anew when that is much",
  "says.number": "says the same number whenever it is asked for its memory",
} as const;
export type WorkerBug = keyof typeof WORKER_BUGS;
export const isWorkerBug = (name: string): name is WorkerBug => Object.hasOwn(WORKER_BUGS, name);

/** What an honest worker may do besides: each is as good as the one that does none of it. */
export const WORKER_WAYS = {
  "fills.cache": "remembers what it has read last, in a cache with a bound that is full after some batches",
  "empties.cache": "lets a cache grow to its bound, and then empties it",
  "grows.once": "makes one of its tables larger, once",
  "opens.pools": "opens a few connections more than it had",
  "tells.heap": "tells of its heap and its handles only",
} as const;
export type WorkerWay = keyof typeof WORKER_WAYS;
export const isWorkerWay = (name: string): name is WorkerWay => Object.hasOwn(WORKER_WAYS, name);

const RUNS_PER_BATCH = 2_000;
const STEP_BATCHES = 5;
/** Batches, with those of warming up. */
const LATE_BATCHES = 10;
const CACHE_BATCHES = 7;
const CALLED_OFF = 10;

type Life = { kept: unknown[]; table: Float64Array; runs: number; ended: number; born: number };

const createLife = (born: number): Life => ({
  kept: [],
  table: new Float64Array(0),
  runs: 0,
  ended: 0,
  born,
});

/** Floats out of line: 8 bytes each beside the array that holds them. */
const objectOf = (bytes: number, run: number): unknown =>
  Array.from({ length: bytes / 8 }, (_, at) => run + at + 0.5);

/** Of the system, and not what others of this process have given back to its allocator: what may be resized is mapped by itself. */
function pagesOf(bytes: number): ArrayBuffer {
  const pages = new ArrayBuffer(bytes, { maxByteLength: bytes });
  new Uint8Array(pages).fill(1);
  return pages;
}

function keepOf(life: Life, count: number, does: (name: WorkerBug | WorkerWay) => boolean): void {
  const batch = Math.round(life.runs / RUNS_PER_BATCH);
  const keep = (bytes: number, runs = count): void => {
    for (let run = 0; run < runs; run += 1) life.kept.push(objectOf(bytes, life.runs + run));
  };
  if (does("keeps.heap") || does("lives.few")) keep(64);
  if (does("keeps.buffers")) life.kept.push(Buffer.alloc(1_024 * count, 1));
  if (does("keeps.pages")) life.kept.push(pagesOf(4_096 * count));
  if (does("keeps.failed")) keep(1_024, count / CALLED_OFF);
  if (does("keeps.steps") && batch % STEP_BATCHES === 0) keep(192, count * STEP_BATCHES);
  if (does("keeps.late") && batch > LATE_BATCHES) keep(256);
  if (does("lives.anew")) keep(1_024);
  if (does("fills.cache") && batch <= CACHE_BATCHES) keep(256);
  if (does("empties.cache")) {
    keep(256);
    if (batch % CACHE_BATCHES === 0) life.kept = [];
  }
  if (does("grows.once") && batch === LATE_BATCHES) keep(256);
  if (does("keeps.doubled")) {
    // 64 bytes a run; buffers of the kind are on no heap, so it is a list of numbers there.
    const needed = (life.runs + count) * 8;
    if (needed > life.table.length) life.table = new Float64Array(2 * needed);
    life.kept = [Array.from(life.table, (_, at) => at + 0.5)];
  }
}

function liveThrough(life: Life, count: number): void {
  for (let run = 0; run < count; run += 1) {
    life.runs += 1;
    const journal = Array.from({ length: 10 }, (_, seq) => ({
      seq,
      text: `step ${seq} of run ${life.runs}`,
    }));
    if (journal.length === 10) life.ended += 1;
  }
}

/** Apart from V8's heap: the toy lives in a process of tests, and what others left there is given back while it is read. */
function residentBytes(): number {
  const { rss, heapTotal } = process.memoryUsage();
  return rss - heapTotal;
}

export function createToyWorker(names: readonly (WorkerBug | WorkerWay)[]): Target {
  const does = (name: WorkerBug | WorkerWay): boolean => names.includes(name);
  let life = createLife(1);
  let ended = 0;
  const live = async (count: number): Promise<void> => {
    await Promise.resolve();
    if (does("lives.none")) return;
    const before = life.ended;
    liveThrough(life, does("lives.few") ? count / CALLED_OFF : count);
    ended += life.ended - before;
    keepOf(life, does("lives.few") ? count / CALLED_OFF : count, does);
    if (does("lives.anew") && life.kept.length >= 2 * RUNS_PER_BATCH) life = createLife(life.born + 1);
  };
  const handles = (): Record<string, number> => ({
    Timeout: does("keeps.timers") ? life.runs : 1,
    ...(does("opens.pools") && life.runs > LATE_BATCHES * RUNS_PER_BATCH ? { TCPSocketWrap: 5 } : {}),
    ...(does("keeps.names")
      ? Object.fromEntries(Array.from({ length: life.runs / 1_000 }, (_, at) => [`socket ${at}`, 1]))
      : {}),
  });
  const tellsAll = !does("tells.heap");
  return {
    ...foreignTarget({ urls: ["http://127.0.0.1:1"], keys: {}, runBody: {}, without: [] }),
    memory: {
      runsPerBatch: RUNS_PER_BATCH,
      live,
      heapBytes: async () => {
        if (does("says.number")) return await Promise.resolve(50_000_000);
        collect();
        return await Promise.resolve(process.memoryUsage().heapUsed);
      },
      handles,
      ...(tellsAll
        ? {
            ended: async () => await Promise.resolve(ended),
            residentBytes: async () => await Promise.resolve(residentBytes()),
            process: () => `worker ${life.born}`,
          }
        : {}),
      ...(tellsAll && !does("keeps.pages")
        ? { bufferBytes: async () => await Promise.resolve(process.memoryUsage().arrayBuffers) }
        : {}),
    },
  };
}
