// When things happened, as far as a log can be held to it: each entry's time is one, and not still to come; its id was made
// at that time, and is nobody else's; and witnesses say what was there when they looked.

import { leafTime } from "./leaf.ts";
import { createIdKeys } from "./id-keys.ts";
import type { LogFinding, Memory } from "./verify-source.ts";

export type TimeKnowledge = {
  /** What time it is, by the verifier's clock or by his word; null: nothing is held against it. */
  readonly now: Date | null;
  /** What the clock says, where somebody gave another time in its place. */
  readonly clock?: Date | null;
  /** Which entries were there when witnesses looked. */
  readonly seen: readonly Pick<Memory, "size" | "seen">[];
};

export type EventTimes = {
  /** @param timeAt where the bytes have the entry's time; @param idAt where its id */
  check(bytes: DataView, timeAt: number, idAt: number, index: number): void;
  /** @returns how many times were taken as past by the word that was given alone: by the clock they are still to come */
  end(): number;
  /** See `createIdKeys`. */
  repeated(): ReadonlySet<bigint>;
};

/** Clocks of harness, witnesses and whoever verifies differ, and a witness may be asked a while after an event. */
const CLOCKS_DIFFER_MS_MAX = 600_000;

type Add = (finding: LogFinding) => void;
type Bound = { readonly size: number; readonly notBefore: number; readonly notAfter: number; newest: number };

/** What whoever has a wrong clock can do about it. */
const NAME_THE_TIME = "(where this machine's clock is wrong, name the time: --now)";

export function createEventTimes(epoch: number, { now, clock, seen }: TimeKnowledge, add: Add): EventTimes {
  // What nobody says a time of bounds nothing.
  const told = seen.filter(({ seen: times }) => times !== null && times.claims.length > 0);
  const bounds = told.map(({ size, seen: times }): Bound => {
    const isSeen = times !== null && times.newest > 0;
    return {
      size,
      notBefore: isSeen ? times.earliest * 1_000 - CLOCKS_DIFFER_MS_MAX : Number.NEGATIVE_INFINITY,
      notAfter: isSeen ? times.newest * 1_000 + CLOCKS_DIFFER_MS_MAX : Number.POSITIVE_INFINITY,
      newest: Number.NEGATIVE_INFINITY,
    };
  });
  const notAfterNow = (now?.getTime() ?? Number.POSITIVE_INFINITY) + CLOCKS_DIFFER_MS_MAX;
  const notAfterClock = (clock?.getTime() ?? Number.POSITIVE_INFINITY) + CLOCKS_DIFFER_MS_MAX;
  // The earlier one: whatever is not past it is past neither.
  const notAfterEither = Math.min(notAfterNow, notAfterClock);
  let ahead = 0;
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
        wrong(index, "event_undated", `its time is ${textAt(bytes, timeAt, TIME_CHARS)}, which there is not`);
        return;
      }
      if (time > notAfterEither) {
        if (time > notAfterNow)
          wrong(
            index,
            "event_ahead",
            `its time is ${dateOf(time)}, and it is ${dateOf(now?.getTime() ?? 0)} here: that is still to come ${NAME_THE_TIME}`,
          );
        else ahead += 1;
      }
      if (ids.add(bytes, idAt) !== time)
        wrong(index, "event_id_misdated", "its id was made at another time than it says that it happened");
      if (bounds.length > 0) holdBounds(time, index);
    },
    end(): number {
      for (const [i, { seen: times }] of told.entries())
        for (const claim of times?.claims ?? []) {
          checkClaim(claim, bounds[i]?.newest ?? 0, notAfterNow, times?.at ?? "", add);
          const time = claim.seconds * 1_000;
          if (time > notAfterClock && time <= notAfterNow) ahead += 1;
        }
      return ahead;
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
      detail: `${said}, and it is ${dateOf(notAfterNow - CLOCKS_DIFFER_MS_MAX)} here: that is still to come ${NAME_THE_TIME}`,
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

const textAt = ({ buffer, byteOffset }: DataView, at: number, length: number): string =>
  Buffer.from(buffer, byteOffset + at, length).toString("latin1");

const TIME_CHARS = 27;
const ZERO = 0x30;
const DATE_CHARS = 10;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** @returns reads milliseconds out of a leaf's time, whose digits and signs stand where they belong; NaN for no time */
export function createTimeReader(): (bytes: DataView, at: number) => number {
  // The minute of the entry before, which is often this one's: year, month and day, hour, minute, as four words.
  const last = new Int32Array(4);
  let minuteMs = Number.NaN;
  return (bytes, at) => {
    const a = bytes.getInt32(at);
    const b = bytes.getInt32(at + 4);
    const c = bytes.getInt32(at + 8);
    const d = bytes.getInt32(at + 12);
    if (d !== last[3] || c !== last[2] || b !== last[1] || a !== last[0]) {
      last.set([a, b, c, d]);
      minuteMs = minuteOf(bytes, at);
    }
    const seconds = twoAt(bytes, at + 17);
    if (seconds > 59) return Number.NaN;
    return minuteMs + seconds * 1_000 + digitAt(bytes, at + 20) * 100 + twoAt(bytes, at + 21);
  };
}

const digitAt = (bytes: DataView, at: number): number => bytes.getUint8(at) - ZERO;
const twoAt = (bytes: DataView, at: number): number => digitAt(bytes, at) * 10 + digitAt(bytes, at + 1);

function minuteOf(bytes: DataView, at: number): number {
  const [hours, minutes] = [twoAt(bytes, at + 11), twoAt(bytes, at + 14)];
  if (hours > 23 || minutes > 59) return Number.NaN;
  return dayOf(textAt(bytes, at, DATE_CHARS)) + (hours * 60 + minutes) * MINUTE_MS;
}

function dayOf(date: string): number {
  const ms = Date.parse(`${date}T00:00:00.000Z`);
  // The 30th of February is read as a day in March by some.
  return Math.floor(ms / DAY_MS) * DAY_MS === ms && new Date(ms).toISOString().startsWith(date)
    ? ms
    : Number.NaN;
}
