// What payloads tell of runs and of keys, entry by entry, before the rules that runs are held to.

import { EVENT_KINDS } from "@assent/contract";
import { actorOf, type LeafLayout } from "./leaf-layout.ts";
import { KEY_CHANGES, type KeyChange, readKeyChange } from "./retired-keys.ts";
import { kindOfEvent } from "./run-events.ts";
import { createRunObjects, type Given } from "./run-objects.ts";
import { createSaidReader, type OpenedText } from "./said-fields.ts";
import type { LogFinding } from "./verify-source.ts";

export type ObjectChecks = {
  /**
   * @param from where the bytes have the entry
   * @param payload null where it is not opened
   * @returns whether anything was named
   */
  check(
    bytes: Buffer,
    from: number,
    layout: LeafLayout,
    event: number,
    payload: OpenedText | null,
    index: number,
  ): boolean;
  /** What happened to a key: of a caller's, or of those that sign the log. */
  checkKey(kind: string, payload: OpenedText, index: number): void;
  readonly keyChanges: readonly KeyChange[];
  given(): Given;
  forget(): void;
};

/** What of its payload an event of this number is followed by, see `RunObjects`: worked out once, and looked up for each event. */
const READS: readonly ("nothing" | "step" | "all")[] = [
  "nothing",
  ...EVENT_KINDS.map((kind) => {
    if (kind.startsWith("step_")) return "step";
    return kind.startsWith("approval_") ? "all" : "nothing";
  }),
];

export function createObjectChecks(epoch: number, add: (finding: LogFinding) => void): ObjectChecks {
  const objects = createRunObjects(epoch > 1);
  const reader = createSaidReader();
  const keyChanges: KeyChange[] = [];
  const dataOf = (event: number, payload: OpenedText | null): unknown => {
    const reads = READS[event];
    if (payload === null || reads === "nothing") return null;
    return reads === "step" ? reader.read(payload) : reader.readWhole(payload);
  };
  // Made once: of millions of events few are wrong.
  const named = { count: 0, at: 0 };
  const wrong = (code: string, detail: string): void => {
    named.count += 1;
    add({ code, at: `entry ${named.at}`, detail: `in epoch ${epoch}, ${detail}` });
  };
  return {
    check(bytes, from, layout, event, payload, index): boolean {
      const kind = kindOfEvent(event);
      if (kind === undefined) return false;
      named.count = 0;
      named.at = index;
      const run = reader.text(bytes, from + layout.subjectAt, from + layout.subjectEnd);
      const actor = READS[event] === "step" ? undefined : actorOf(bytes, from);
      objects.follow(run, { kind, data: dataOf(event, payload), actor }, wrong);
      return named.count > 0;
    },
    checkKey(kind, payload, index): void {
      const data = reader.readWhole(payload);
      const change = KEY_CHANGES.includes(kind) ? readKeyChange(index, data) : null;
      if (change !== null) keyChanges.push(change);
      else objects.keys.follow(kind, data);
    },
    keyChanges,
    given: () => objects.given(),
    forget: () => {
      objects.forget();
    },
  };
}
