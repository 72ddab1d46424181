// What the toy takes for the same: keys of requests, digests that people are shown, and what is stored together.

import type { Breaks, ToyRun } from "./toy-run.ts";

export function summaryOf({ run }: ToyRun): string {
  const { answer: _a, usage: _u, steps: _s, approvals: _p, artifacts: _f, ...summary } = run;
  return JSON.stringify(summary);
}

const KEY_CHARS_FEW = 32;

export function keyName(actorId: string, key: string | null, breaks: Breaks): string {
  const cut = breaks.has("idem.cut") ? `${key}`.slice(0, KEY_CHARS_FEW) : `${key}`;
  const read = breaks.has("idem.case") ? cut.toLowerCase() : cut;
  return breaks.has("idem.global") ? read : `${actorId} ${read}`;
}

/** As many as people are shown. */
const DIGEST_CHARS_FEW = "sha256:".length + 12;

/** Whether what somebody says that they were shown is what they were asked about. */
export function isShown(said: string, asked: string, breaks: Breaks): boolean {
  const compared = breaks.has("apr.prefix") ? DIGEST_CHARS_FEW : undefined;
  return breaks.has("apr.unbound") || said.slice(0, compared) === asked.slice(0, compared);
}

type Stored = {
  readonly runs: ReadonlyMap<string, ToyRun>;
  readonly keys: ReadonlyMap<string, { readonly toy: ToyRun }>;
  readonly queue: ReadonlySet<string>;
};

/** What the toy holds without what it belongs to. */
export function contradictionsOf({ runs, keys, queue }: Stored): readonly string[] {
  return [
    ...[...keys.values()].flatMap(({ toy }) => (runs.has(toy.run.id) ? [] : ["a key has no run"])),
    ...[...queue].flatMap((id) => (runs.has(id) ? [] : ["what is carried out is no run"])),
    ...[...runs.keys()].flatMap((id) => (queue.has(id) ? [] : ["a run is never carried out"])),
  ];
}
