import fc from "fast-check";
import { expect, test } from "vitest";
import { afterCall, type Breaker, CLOSED, type Ending, entryOf, PROBE_MS, takeProbe } from "./breaker.ts";

const SETTINGS = { failures: 3, open_ms: 1_000, open_ms_max: 4_000 };
const at = (ms: number): Date => new Date(1_000_000 + ms);
const FAILED: Ending = { ended: "failed", code: "provider_unavailable", retryAfterMs: null };
const ANSWERED: Ending = { ended: "answered" };

const fail = (breaker: Breaker, now: number, probe: string | null = null): Breaker =>
  afterCall(breaker, FAILED, probe, at(now), SETTINGS);
const opened = (): Breaker => fail(fail(fail(CLOSED, 0), 0), 0);

test("opens after so many failures beyond successes, and lets nobody in until its time is over", () => {
  const twice = fail(fail(CLOSED, 0), 0);
  expect(entryOf(twice, at(0))).toEqual({ enter: "yes" });
  const calmed = afterCall(twice, ANSWERED, null, at(0), SETTINGS);
  expect(entryOf(fail(calmed, 0), at(0))).toEqual({ enter: "yes" });
  expect(entryOf(opened(), at(1))).toEqual({ enter: "no", waitMs: 999, why: "open" });
  expect(entryOf(opened(), at(1_000))).toEqual({ enter: "probe" });
});

test("says since when it has been failing, until it is well again", () => {
  const twice = fail(fail(CLOSED, 100), 200);
  expect(twice.since).toEqual(at(100));
  const once = afterCall(twice, ANSWERED, null, at(300), SETTINGS);
  expect([once.failures, once.since]).toEqual([1, at(100)]);
  expect(afterCall(once, ANSWERED, null, at(400), SETTINGS)).toEqual(CLOSED);
  expect(opened().since).toEqual(at(0));
});

test("one caller probes; its success closes, its failure opens for twice as long, up to the most", () => {
  const probing = takeProbe(opened(), "a", at(1_000));
  if (probing === null) throw new Error("the first may probe");
  expect(takeProbe(probing, "b", at(1_000))).toBeNull();
  expect(entryOf(probing, at(1_001))).toMatchObject({ enter: "no", why: "probing" });
  expect(afterCall(probing, ANSWERED, "a", at(1_100), SETTINGS)).toEqual(CLOSED);
  let breaker = fail(probing, 1_100, "a");
  const windows: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const openUntil = breaker.openUntil ?? at(0);
    windows.push(openUntil.getTime() - at(1_100).getTime());
    breaker = { ...breaker, openUntil: at(1_100) };
    const next = takeProbe(breaker, "c", at(1_100));
    breaker = fail(next ?? CLOSED, 1_100, "c");
  }
  expect(windows).toEqual([2_000, 4_000, 4_000]);
});

test("a prober that dies or gives up does not keep the breaker", () => {
  const probing = takeProbe(opened(), "a", at(1_000));
  if (probing === null) throw new Error("the first may probe");
  expect(takeProbe(probing, "b", at(1_000 + PROBE_MS))?.probe?.by).toBe("b");
  const gaveUp = afterCall(probing, { ended: "unknown" }, "a", at(1_100), SETTINGS);
  expect(entryOf(gaveUp, at(1_100))).toEqual({ enter: "probe" });
});

test("what began before the breaker opened neither closes it nor keeps it open", () => {
  const late = opened();
  expect(afterCall(late, ANSWERED, null, at(10), SETTINGS)).toEqual(late);
  expect(fail(late, 900)).toEqual(late);
  const probing = takeProbe(late, "a", at(1_000));
  if (probing === null) throw new Error("the first may probe");
  expect(afterCall(probing, ANSWERED, "another", at(1_001), SETTINGS)).toEqual(probing);
});

test("a pause that the provider asks for holds for all, also while closed, and is never shortened", () => {
  const asked = (breaker: Breaker, retryAfterMs: number, now: number): Breaker =>
    afterCall(
      breaker,
      { ended: "failed", code: "provider_overloaded", retryAfterMs },
      null,
      at(now),
      SETTINGS,
    );
  const paused = asked(CLOSED, 700, 0);
  expect(entryOf(paused, at(100))).toEqual({ enter: "no", waitMs: 600, why: "paused" });
  expect(entryOf(asked(paused, 10, 100), at(110))).toMatchObject({ enter: "no", why: "paused" });
  expect(entryOf(paused, at(700))).toEqual({ enter: "yes" });
});

test("what lies further ahead than it was ever set is over: the clock was set back since", () => {
  const DAY_MS = 86_400_000;
  const openMsMax = SETTINGS.open_ms_max;
  expect(entryOf(opened(), at(-3_000), openMsMax)).toMatchObject({ enter: "no", why: "open" });
  expect(entryOf(opened(), at(-DAY_MS), openMsMax)).toEqual({ enter: "probe" });
  expect(takeProbe(opened(), "a", at(-DAY_MS), openMsMax)?.state).toBe("half_open");
  const probing = takeProbe(opened(), "a", at(1_000));
  if (probing === null) throw new Error("it can be probed");
  expect(entryOf(probing, at(-DAY_MS), openMsMax)).toEqual({ enter: "probe" });
  const asked: Ending = { ended: "failed", code: "provider_overloaded", retryAfterMs: 3_600_000 };
  const paused = afterCall(CLOSED, asked, null, at(0), SETTINGS);
  expect(entryOf(paused, at(0))).toMatchObject({ enter: "no", waitMs: 3_600_000, why: "paused" });
  expect(entryOf(paused, at(-DAY_MS))).toEqual({ enter: "yes" });
  // A shorter one that is asked for now counts, and not the one of a time that is still to come.
  const short: Ending = { ...asked, retryAfterMs: 1_000 };
  expect(afterCall(paused, short, null, at(-DAY_MS), SETTINGS).pausedUntil).toEqual(at(1_000 - DAY_MS));
});

// Over any history of several processes: while it is open or probed at most one call is under way that began after it
// opened, and it never stays shut without a time at which somebody may try.
test("never two probes at once, and never shut for good", () => {
  const move = fc.record({
    by: fc.constantFrom("a", "b", "c"),
    ms: fc.integer({ min: 0, max: 800 }),
    ending: fc.constantFrom<Ending["ended"]>("answered", "failed", "unknown"),
    acts: fc.constantFrom("enter", "end"),
  });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      let breaker = CLOSED;
      let now = 0;
      const probing = new Map<string, number>();
      for (const { by, ms, ending, acts } of moves) {
        now += ms;
        for (const [who, until] of probing) if (until <= now) probing.delete(who);
        if (acts === "enter") {
          const taken = takeProbe(breaker, by, at(now));
          if (taken !== null) {
            expect([...probing.keys()]).toEqual([]);
            probing.set(by, now + PROBE_MS);
            breaker = taken;
          }
        } else {
          const probe = probing.delete(by) ? by : null;
          const said: Ending =
            ending === "failed" ? { ended: "failed", code: "x", retryAfterMs: null } : { ended: ending };
          breaker = afterCall(breaker, said, probe, at(now), SETTINGS);
        }
        const entry = entryOf(breaker, at(now));
        if (entry.enter === "no") expect(entry.waitMs).toBeLessThanOrEqual(SETTINGS.open_ms_max);
      }
      const later = now + SETTINGS.open_ms_max + PROBE_MS;
      expect(entryOf(breaker, at(later)).enter).not.toBe("no");
    }),
    { seed: 42 },
  );
});
