// When things happened, as far as a log can be held to it: each entry's time is one, and not still to come; its id was made
// at that time, and is nobody else's; and witnesses say what was there when they looked.

import { leafTime } from "./leaf.ts";
import { createIdKeys } from "./id-keys.ts";
import type { LogFinding, Memory } from "./verify-source.ts";

export type TimeKnowledge = {
  /** What the verifier's clock says; null: nothing is held against it. */
  readonly now: Date | null;
  /** Which entries were there when witnesses looked. */
  readonly seen: readonly Pick<Memory, "size" | "seen">[];
};

export type EventTimes = {
  /** @param timeAt where the bytes have the entry's time; @param idAt where its id */
  check(bytes: Buffer, timeAt: number, idAt: number, index: number): void;
  end(): void;
  /** See `createIdKeys`. */
  repeated(): ReadonlySet<bigint>;
};

/** Clocks of harness, witnesses and whoever verifies differ, and a witness may be asked a while after an event. */
const CLOCKS_DIFFER_MS_MAX = 600_000;

type Add = (finding: LogFinding) => void;
type Bound = { readonly size: number; readonly notBefore: number; readonly notAfter: number; newest: number };

export function createEventTimes(epoch: number, { now, seen }: TimeKnowledge, add: Add): EventTimes {
  const bounds = seen.map(({ size, seen: times }): Bound => {
    const isSeen = times !== null && times.newest > 0;
    return {
      size,
      notBefore: isSeen ? times.earliest * 1_000 - CLOCKS_DIFFER_MS_MAX : Number.NEGATIVE_INFINITY,
      notAfter: isSeen ? times.newest * 1_000 + CLOCKS_DIFFER_MS_MAX : Number.POSITIVE_INFINITY,
      newest: Number.NEGATIVE_INFINITY,
    };
  });
  const notAfterNow = (now?.getTime() ?? Number.POSITIVE_INFINITY) + CLOCKS_DIFFER_MS_MAX;
  const timeOf = createTimeReader();
  const ids = createIdKeys();
  const wrong = (index: number, code: string, detail: string): void => {
    add({ code, at: `entry ${index}`, detail: `in epoch ${epoch}, ${detail}` });
  };
  const holdBounds = (time: number, index: number): void => {
    for (const bound of bounds) {
      if (index < bound.size && time > bound.newest && time <= bound.notAfter) bound.newest = time;
      if (index < bound.size ? time > bound.notAfter : time < bound.notBefore)
        wrong(
          index,
          "event_misdated",
          `its time is ${leafTime(new Date(time))}, and witnesses had seen ${bound.size} entries by then: it was dated ${index < bound.size ? "forward" : "back"}`,
        );
    }
  };
  return {
    check(bytes, timeAt, idAt, index): void {
      const time = timeOf(bytes, timeAt);
      if (Number.isNaN(time)) {
        wrong(
          index,
          "event_undated",
          `its time is ${bytes.toString("latin1", timeAt, timeAt + TIME_CHARS)}, which there is not`,
        );
        return;
      }
      if (time > notAfterNow)
        wrong(
          index,
          "event_ahead",
          `its time is ${dateOf(time)}, and it is ${dateOf(now?.getTime() ?? 0)} here: that is still to come`,
        );
      if (ids.add(bytes, idAt) !== time)
        wrong(index, "event_id_misdated", "its id was made at another time than it says that it happened");
      if (bounds.length > 0) holdBounds(time, index);
    },
    end(): void {
      for (const [i, { seen: times }] of seen.entries())
        for (const claim of times?.claims ?? [])
          checkClaim(claim, bounds[i]?.newest ?? 0, notAfterNow, times?.at ?? "", add);
    },
    repeated: () => ids.repeated(),
  };
}

// A cosignature says when somebody saw a tree: not before its entries were, and not later than now.
function checkClaim(
  { name, seconds }: { readonly name: string; readonly seconds: number },
  newest: number,
  notAfterNow: number,
  at: string,
  add: Add,
): void {
  const time = seconds * 1_000;
  const said = `the line of ${name} is dated ${dateOf(time)}`;
  if (time > notAfterNow)
    add({
      code: "cosignature_misdated",
      at,
      detail: `${said}, and it is ${dateOf(notAfterNow - CLOCKS_DIFFER_MS_MAX)} here: that is still to come`,
    });
  if (time + CLOCKS_DIFFER_MS_MAX < newest)
    add({
      code: "cosignature_misdated",
      at,
      detail: `${said}, and an entry that it covers ${dateOf(newest)}: there was no such tree then`,
    });
}

/** The last moment that a date can have: a line may say any number of seconds. */
const DATE_MAX = 8.64e15;
const dateOf = (time: number): string => new Date(Math.min(time, DATE_MAX)).toISOString();

export const TIME_CHARS = 27;
const ZERO = 0x30;
const DATE_CHARS = 10;
const DAY_MS = 86_400_000;

/** @returns reads milliseconds out of a leaf's time, whose digits and signs stand where they belong; NaN for no time */
export function createTimeReader(): (bytes: Uint8Array, at: number) => number {
  // The day of the entry before, nearly always.
  const day = new Uint8Array(DATE_CHARS);
  let dayMs = Number.NaN;
  return (bytes, at) => {
    for (let i = 0; i < DATE_CHARS; i += 1)
      if (bytes[at + i] !== day[i]) {
        day.set(bytes.subarray(at, at + DATE_CHARS));
        dayMs = dayOf(day);
        break;
      }
    const two = (from: number): number => ((bytes[from] ?? 0) - ZERO) * 10 + (bytes[from + 1] ?? 0) - ZERO;
    const [hours, minutes, seconds] = [two(at + 11), two(at + 14), two(at + 17)];
    if (hours > 23 || minutes > 59 || seconds > 59) return Number.NaN;
    const ms = ((bytes[at + 20] ?? 0) - ZERO) * 100 + two(at + 21);
    return dayMs + ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms;
  };
}

function dayOf(text: Uint8Array): number {
  const date = Buffer.from(text).toString("latin1");
  const ms = Date.parse(`${date}T00:00:00.000Z`);
  // The 30th of February is read as a day in March by some.
  return Math.floor(ms / DAY_MS) * DAY_MS === ms && new Date(ms).toISOString().startsWith(date)
    ? ms
    : Number.NaN;
}
