// What the toy writes when it takes something in, and what toys make of it that could not be written.

import type { ToyDatabase } from "./toy-database.ts";
import type { Breaks, ToyRun } from "./toy-run.ts";

export type KeyRecord = { readonly fingerprint: string; readonly toy: ToyRun; readonly body: string };

type Taken = {
  readonly runs: Map<string, ToyRun>;
  readonly keys: Map<string, KeyRecord>;
  readonly queue: Set<string>;
  readonly unwritten: Set<ToyRun>;
};

/** Key, run and message; whoever was faster under the key has it. */
export function writesOf(
  { keys, runs, queue }: Taken,
  name: string,
  record: KeyRecord,
  breaks: Breaks,
): readonly (() => void)[] {
  const { toy } = record;
  const isOurs = (): boolean => keys.get(name)?.toy === toy;
  return [
    () => {
      if (!keys.has(name) || breaks.has("idem.race")) keys.set(name, record);
    },
    () => {
      if (isOurs()) runs.set(toy.run.id, toy);
    },
    () => {
      if (isOurs()) queue.add(toy.run.id);
    },
  ];
}

/** For the toy that does not wait for its database: what it takes in meanwhile is written when it can be. */
export const isBuffered = ({ lock }: ToyDatabase, breaks: Breaks): boolean =>
  breaks.has("db.buffer") && lock !== null;

/** For the toy that makes do with its memory where its database fails. @returns whether it goes on so */
export function isKeptUnwritten(state: Taken, name: string, record: KeyRecord, breaks: Breaks): boolean {
  if (!breaks.has("atom.memory")) return false;
  for (const write of writesOf(state, name, record, breaks)) write();
  state.unwritten.add(record.toy);
  return true;
}

/** With its process goes what only that remembers. */
export function forgetUnwritten({ keys, runs, queue, unwritten }: Taken): void {
  for (const [name, { toy }] of keys) if (unwritten.has(toy)) keys.delete(name);
  for (const { run } of unwritten) {
    runs.delete(run.id);
    queue.delete(run.id);
  }
  unwritten.clear();
}
