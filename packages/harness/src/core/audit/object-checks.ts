// What payloads tell of runs and of keys, entry by entry, before the rules that runs are held to.

import type { EventKind } from "@assent/contract";
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

export function createObjectChecks(epoch: number, add: (finding: LogFinding) => void): ObjectChecks {
  const objects = createRunObjects(epoch > 1);
  const reader = createSaidReader();
  const keyChanges: KeyChange[] = [];
  const dataOf = (kind: EventKind, payload: OpenedText | null): unknown => {
    if (payload === null || kind.startsWith("run_")) return null;
    return kind.startsWith("step_") ? reader.read(payload) : reader.readWhole(payload);
  };
  return {
    check(bytes, from, layout, event, payload, index): boolean {
      const kind = kindOfEvent(event);
      if (kind === undefined) return false;
      let isNamed = false;
      const run = reader.text(bytes, from + layout.subjectAt, from + layout.subjectEnd);
      const actor = kind.startsWith("step_") ? undefined : actorOf(bytes, from);
      objects.follow(run, { kind, data: dataOf(kind, payload), actor }, (code, detail) => {
        isNamed = true;
        add({ code, at: `entry ${index}`, detail: `in epoch ${epoch}, ${detail}` });
      });
      return isNamed;
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
