// What is taken out of a log that has no payloads, or put into it, properly signed, so that the kinds of a run's events alone tell: before
// both verifiers, in the same words.

import { EVENT_KINDS, type EventKind, type RunState } from "@assent/contract";
import { expect, test } from "vitest";
import {
  beginning,
  type Entry,
  entry,
  exportOf,
  type Files,
  noteOf,
  ORIGIN,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { createRunObjects } from "../../../packages/harness/src/core/audit/run-objects.ts";
import { createRunTable } from "../../../packages/harness/src/core/audit/run-table.ts";
import { followRun } from "../../../packages/harness/src/core/run/replay.ts";
import { judge, LATER, LATER_KEY } from "../../support/both-verifiers.ts";
import { isPythonHere } from "../../support/second-verifier.ts";
import { randomOf, stories, tamperedStory } from "../../support/told-runs.ts";

const kindsOf = (story: number): string[] => (stories[story] ?? expect.unreachable()).map(({ kind }) => kind);
const [PAID, DENIED, CONFIRMED] = [kindsOf(0), kindsOf(1), kindsOf(2)];

const runOf = (i: number): string => `run_${i.toString(16).padStart(32, "0")}`;
const laid = (runs: readonly (readonly string[])[]): Entry[] => {
  const list: Entry[] = [];
  for (const [i, kinds] of runs.entries())
    for (const [j, kind] of kinds.entries())
      list.push(entry(list.length, { subject: runOf(i), version: j + 1, kind, payload: "{}" }));
  return list;
};

/** As a mirror has it. */
function bare(files: Files): Files {
  for (const path of files.keys()) if (path.startsWith("payloads/")) files.delete(path);
  return files;
}

const without = (story: readonly string[], kind: string, which = 0): string[] => {
  const places = story.flatMap((one, i) => (one === kind ? [i] : []));
  return story.toSpliced(places[which] ?? expect.unreachable(), 1);
};
const after = (story: readonly string[], kind: string, ...more: readonly string[]): string[] =>
  story.toSpliced(story.indexOf(kind) + 1, 0, ...more);

/** What the run does, the first event of it that cannot be, and why. */
const WRONG: readonly (readonly [name: string, kinds: readonly string[], kind: string, why: string])[] = [
  [
    "a step ends twice",
    after(PAID, "step_succeeded", "step_succeeded"),
    "step_succeeded",
    "no step that is open",
  ],
  [
    "a step fails that never began",
    ["run_queued", "run_leased", "step_failed"],
    "step_failed",
    "no step that is open",
  ],
  [
    "the beginning of a call is gone",
    without(PAID, "step_intended", 2),
    "step_in_doubt",
    "no step that is under way",
  ],
  [
    "a call comes into doubt twice",
    after(PAID, "step_in_doubt", "step_in_doubt"),
    "step_in_doubt",
    "no step that is under way",
  ],
  [
    "a question is answered twice",
    after(PAID, "approval_approved", "approval_approved"),
    "approval_approved",
    "no question that is open",
  ],
  [
    "a yes and a no to one question",
    after(PAID, "approval_approved", "approval_denied"),
    "approval_denied",
    "no question that is open",
  ],
  [
    "a no, and then a yes",
    after(DENIED, "approval_denied", "approval_approved"),
    "approval_approved",
    "no question that is open",
  ],
  ["the question is gone", without(DENIED, "approval_opened"), "run_parked", "no question that is open"],
  [
    "the question is gone, and the waiting",
    without(without(DENIED, "approval_opened"), "run_parked"),
    "approval_denied",
    "no question that is open",
  ],
  [
    "a yes is spent twice",
    after(PAID, "approval_spent", "approval_spent"),
    "approval_spent",
    "no yes that was not spent",
  ],
  [
    "a no is spent",
    after(DENIED, "approval_denied", "approval_spent"),
    "approval_spent",
    "no yes that was not spent",
  ],
  [
    "a yes that was withdrawn is spent",
    after(PAID, "run_resumed", "approval_cancelled"),
    "approval_spent",
    "no yes that was not spent",
  ],
  [
    "a second try by nobody's word",
    without(PAID, "approval_spent", 1),
    "step_retried",
    "no word that was spent just before",
  ],
  [
    "a second try some time after the word",
    PAID.toSpliced(PAID.indexOf("step_retried"), 0, "run_released", "run_leased"),
    "step_retried",
    "no word that was spent just before",
  ],
  [
    "a second try of what was never in doubt",
    without(PAID, "step_in_doubt"),
    "step_retried",
    "no step in doubt",
  ],
  [
    "what was in doubt is taken as done by nobody's word",
    without(CONFIRMED, "approval_spent", 1),
    "step_succeeded",
    "no step that is under way",
  ],
  ["the answer is gone", without(DENIED, "approval_denied"), "run_resumed", "a question that is open"],
  [
    "a run succeeds over an open question",
    [...PAID.slice(0, 6), "run_succeeded"],
    "run_succeeded",
    "a question that is open",
  ],
  [
    "the end of the last step is gone",
    without(PAID, "step_succeeded", 3),
    "run_succeeded",
    "a step that is under way",
  ],
  [
    "two questions by one gate",
    after(PAID, "approval_opened", "approval_opened"),
    "approval_opened",
    "no step under way that asks for it",
  ],
  [
    "a question that no step asks",
    after(PAID, "run_leased", "approval_opened"),
    "approval_opened",
    "no step under way that asks for it",
  ],
  [
    "more is withdrawn than was asked",
    after(DENIED, "run_resumed", "approval_cancelled"),
    "approval_cancelled",
    "no question and no yes that is open",
  ],
];

const OTHERWISE = WRONG.map(([, kinds]) => kinds);

test("what cannot be by the kinds of a run's events alone is named by both, once, in the same words", async () => {
  const { ours, words, second } = await judge({ files: bare(exportOf(laid(OTHERWISE))) });
  for (const [i, [name, , kind, why]] of WRONG.entries()) {
    const [first] = words.filter((line) => line.includes(runOf(i)));
    expect({ name, first }).toEqual({
      name,
      first: expect.stringMatching(`no ${kind} can follow when ${runOf(i)} has ${why}$`),
    });
  }
  expect(new Set(ours.map((one) => one.split(" ")[0]))).toEqual(new Set(["illegal_transition"]));
  expect(second.split("\n").toSorted()).toEqual(isPythonHere ? words.toSorted() : ["not run"]);
});

test("of runs that did nothing wrong nothing is said, wherever they break off, nor of those that began in a log before", async () => {
  const whole = [PAID, DENIED, CONFIRMED];
  const broken = whole.flatMap((kinds) => kinds.map((_, i) => kinds.slice(0, i + 1)));
  const { ours, second } = await judge({ files: bare(exportOf(laid(broken))) });
  expect([ours, second]).toEqual([[], expect.stringMatching(/^verified|^not run$/u)]);
});

/** The first log, without payloads, has the run's events up to there; the next one those from another place on. */
async function parted(at: number, from = at): Promise<readonly [string[], string]> {
  const first = laid([PAID.slice(0, at)]);
  const rest = (stories[0] ?? []).slice(from).map(({ kind, data, actor }, i) =>
    entry(i + 1, {
      log: LATER,
      subject: runOf(0),
      version: at + i + 1,
      kind,
      payload: JSON.stringify(data),
      actor,
    }),
  );
  const list = [beginning(LATER, ORIGIN, { size: first.length, note: noteOf(first) }), ...rest];
  const later = exportOf(list, noteOf(list, LATER_KEY, LATER));
  const { words, ours, second } = await judge({ files: bare(exportOf(first)), later });
  expect(ours).toHaveLength(words.length);
  return [words, second];
}

test("a run that goes on in the next log is held to what was open when that began", async () => {
  const at = PAID.lastIndexOf("approval_spent");
  for (const honest of [await parted(at), await parted(at + 1)])
    expect(honest).toEqual([[], expect.stringMatching(/^verified|^not run$/u)]);
  const why = `cannot follow when it has no word that was spent just before`;
  const [words, second] = await parted(at, at + 1);
  expect(words).toEqual([expect.stringContaining(why)]);
  expect(second).toContain(isPythonHere ? why : "not run");
});

/** Of these the payloads' rules say nothing. */
const BY_COUNTING_ALONE = new Set<EventKind>(["run_parked", "run_resumed", "run_succeeded"]);

test("what its payloads say nothing wrong of is not named by its kinds", () => {
  let [honest, wrong] = [0, 0];
  for (let seed = 1; seed <= 1_500; seed += 1) {
    const random = randomOf(seed);
    const findings: string[] = [];
    const objects = createRunObjects(false);
    const table = createRunTable(false);
    let [run, state]: [RunState | null, number] = [null, 0];
    for (const { kind, data, actor } of tamperedStory(random, random.of(stories))) {
      const event = EVENT_KINDS.findIndex((one) => one === kind) + 1;
      if (event === 0 || typeof data === "string") break;
      const known = EVENT_KINDS[event - 1] ?? expect.unreachable();
      const then = followRun(run, known);
      if (then === null) break;
      run = then;
      objects.follow("run", { kind: known, data, actor }, (code) => void findings.push(code));
      if (findings.length > 0) break;
      const why = table.whyNot(state, event);
      if (why !== null && BY_COUNTING_ALONE.has(known)) break;
      expect({ seed, kind, why }).toEqual({ seed, kind, why: null });
      state = table.derive(state, event) - 1;
    }
    if (findings.length > 0) wrong += 1;
    else honest += 1;
  }
  expect(Math.min(honest, wrong)).toBeGreaterThan(300);
});
