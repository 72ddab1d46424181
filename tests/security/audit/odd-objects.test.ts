// What steps, approvals and effects of a run cannot do, properly signed, before both verifiers; and what they can, though it
// looks odd: events of an older program, erased payloads, a log that begins in the middle of a run.

import { expect, test } from "vitest";
import {
  at,
  beginning,
  type Entry,
  entry,
  exportOf,
  type Files,
  noteOf,
  ORIGIN,
  pruned,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { judge, LATER, LATER_KEY } from "../../support/both-verifiers.ts";
import { expectAccepted, expectFound } from "../../support/odd-copies.ts";
import { isPythonHere } from "../../support/second-verifier.ts";

type Data = Readonly<Record<string, unknown>>;
type Event = readonly [kind: string, data?: Data];

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const [FIRST, SECOND] = ["1", "2"].map((digit) => `apr_${digit.repeat(32)}`);
const model = { step: 1, step_kind: "model", name: "m", effect: "idempotent" };
const gate = { step: 2, step_kind: "gate", name: "pay", effect: "none", verdict: "needs_approval" };
const call = {
  step: 3,
  step_kind: "tool",
  name: "pay",
  effect: "once",
  action_digest: digest("c"),
  effect_id: digest("e"),
  verdict: "needs_approval",
};
const doubt = { ...gate, step: 4 };
const asked = { approval_id: FIRST, step: 2, action_digest: digest("a") };
const agreed = { ...asked, action_digest: digest("b") };
const about = { approval_id: SECOND, step: 4, action_digest: digest("d") };
const finalise = { step: 5, step_kind: "finalise", name: "finalise", effect: "idempotent" };

// A call that two people agree to, the second of them with other arguments; whose outcome is lost, and that is tried again.
const STORY: readonly Event[] = [
  ["run_queued"],
  ["run_leased"],
  ["step_intended", model],
  ["step_succeeded", { ...model, model: "other" }],
  ["step_intended", gate],
  ["approval_opened", { ...asked, subject: "action" }],
  ["run_parked"],
  ["approval_voted", { ...asked, votes: 1, quorum: 2 }],
  ["approval_approved", { ...agreed, asked_digest: asked.action_digest }],
  ["step_succeeded", { ...gate, answer: "approved" }],
  ["run_resumed"],
  ["run_leased"],
  ["approval_spent", agreed],
  ["step_intended", { ...call, approval_id: FIRST, approved_digest: digest("b") }],
  ["step_in_doubt", call],
  ["step_intended", doubt],
  ["approval_opened", { ...about, subject: "in_doubt" }],
  ["run_parked"],
  ["approval_approved", about],
  ["step_succeeded", { ...doubt, answer: "approved" }],
  ["run_resumed"],
  ["run_leased"],
  ["approval_spent", about],
  ["step_retried", { ...call, approval_id: SECOND, approved_digest: digest("d") }],
  ["step_succeeded", call],
  ["step_intended", finalise],
  ["artifact_committed"],
  ["step_succeeded", finalise],
  ["run_succeeded"],
];
const [SPENT, CALLED, IN_DOUBT, SPENT_AGAIN, RETRIED] = [12, 13, 14, 22, 23];

const runOf = (i: number): string => `run_${i.toString(16).padStart(32, "0")}`;

/** Events of a run, as they are numbered in a log from this place on. */
const told = (
  run: string,
  events: readonly Event[],
  { place, version = 1, log }: { readonly place: number; readonly version?: number; readonly log?: string },
): Entry[] =>
  events.map(([kind, data], i) =>
    entry(place + i, {
      subject: run,
      version: version + i,
      kind,
      payload: JSON.stringify(data ?? {}),
      ...(log === undefined ? {} : { log }),
    }),
  );

/** Runs one behind the other in one log, and where each begins: what both verifiers say of them costs one signature. */
function laid(stories: readonly (readonly Event[])[]): { readonly list: Entry[]; readonly starts: number[] } {
  const [list, starts]: [Entry[], number[]] = [[], []];
  for (const [i, story] of stories.entries()) {
    starts.push(list.length);
    list.push(...told(runOf(i), story, { place: list.length }));
  }
  return { list, starts };
}

const without = (...places: readonly number[]): Event[] => STORY.filter((_, i) => !places.includes(i));
const saying = (place: number, data: Data): Event[] =>
  STORY.with(place, [STORY[place]?.[0] ?? "", { ...STORY[place]?.[1], ...data }]);
const instead = (place: number, ...events: readonly Event[]): Event[] => STORY.toSpliced(place, 1, ...events);

/** What happens in the place of the honest story, what the first verifier names where, and what the second says. */
const WRONG: readonly (readonly [string, () => readonly Event[], string, number, string])[] = [
  [
    "a call without the word that it needs",
    () => without(SPENT),
    "call_unapproved",
    12,
    "needs a person's word",
  ],
  [
    "a call behind another event than the word's",
    () => STORY.toSpliced(CALLED, 0, ["run_released"], ["run_leased"]),
    "call_unapproved",
    15,
    "needs a person's word",
  ],
  ["a call that was denied", () => saying(CALLED, { verdict: "deny" }), "call_unapproved", 13, "was denied"],
  [
    "another call than the one that was approved",
    () => saying(CALLED, { approved_digest: digest("c") }),
    "call_differs",
    13,
    "is not the call that was approved",
  ],
  [
    "a call that names no digest that was approved",
    () => saying(CALLED, { approved_digest: undefined }),
    "call_differs",
    13,
    "is not the call that was approved",
  ],
  [
    "a call that names another approval",
    () => saying(CALLED, { approval_id: SECOND }),
    "call_unapproved",
    13,
    "names an approval that was not spent for it",
  ],
  [
    "a call that the rules permit, and that names an approval nobody spent",
    () => saying(CALLED, { verdict: "permit" }).toSpliced(SPENT, 1),
    "call_unapproved",
    12,
    "needs a person's word",
  ],
  [
    "a word on one question for the call of another",
    () => [
      ...STORY.slice(0, SPENT_AGAIN + 1),
      ["step_intended", { ...call, step: 5, effect_id: digest("f") }],
    ],
    "call_unapproved",
    23,
    "another question",
  ],
  [
    "a call in doubt that is begun again, as if for the first time",
    () => STORY.toSpliced(SPENT_AGAIN, 2, ["step_intended", { ...call, verdict: "permit" }]),
    "illegal_transition",
    22,
    "no step_intended can follow",
  ],
  [
    "a call that begins with being tried again",
    () => instead(CALLED, ["step_retried", { ...call, approval_id: FIRST, approved_digest: digest("b") }]),
    "illegal_transition",
    13,
    "no step_retried can follow",
  ],
  [
    "an approval that is spent twice",
    () => instead(SPENT, ["approval_spent", agreed], ["approval_spent", agreed]),
    "illegal_transition",
    13,
    "no approval_spent can follow",
  ],
  [
    "an approval that is spent and was not given",
    () => without(8, 9),
    "illegal_transition",
    10,
    "no approval_spent can follow",
  ],
  [
    "an approval that is decided twice",
    () => STORY.toSpliced(9, 0, ["approval_denied", agreed]),
    "illegal_transition",
    9,
    "no approval_denied can follow",
  ],
  [
    "an approval that is given after its time",
    () => STORY.toSpliced(8, 0, ["approval_expired", asked]),
    "illegal_transition",
    9,
    "no approval_approved can follow",
  ],
  [
    "a vote after the decision",
    () => STORY.toSpliced(9, 0, ["approval_voted", agreed]),
    "illegal_transition",
    9,
    "no approval_voted can follow",
  ],
  [
    "an approval that nobody asked for",
    () => without(5),
    "illegal_transition",
    6,
    "no approval_voted can follow",
  ],
  [
    "a question that is asked twice",
    () => STORY.toSpliced(6, 0, ["approval_opened", asked]),
    "illegal_transition",
    6,
    "no approval_opened can follow",
  ],
  [
    "a question of a step that is no gate",
    () => saying(5, { step: 1 }),
    "illegal_transition",
    5,
    "by no gate that is open",
  ],
  [
    "a yes to another call than was asked about",
    () => saying(8, { asked_digest: digest("f") }),
    "call_differs",
    8,
    "for another call than it was asked for",
  ],
  [
    "a word of another step",
    () => saying(8, { step: 1 }),
    "call_differs",
    8,
    "was asked for by another step",
  ],
  [
    "a word that is spent for another call than it was given for",
    () => saying(SPENT, { action_digest: digest("a") }),
    "call_differs",
    12,
    "for another call",
  ],
  [
    "a call that is confirmed before it was made",
    () => instead(8, ["approval_confirmed", asked]),
    "illegal_transition",
    8,
    "is confirmed",
  ],
  [
    "a gate that says another word than was given",
    () => saying(9, { answer: "denied" }),
    "illegal_transition",
    9,
    "was answered with denied",
  ],
  [
    "a gate that says that it was confirmed",
    () => saying(19, { answer: "confirmed" }),
    "illegal_transition",
    19,
    "was answered with confirmed",
  ],
  [
    "a step that ends twice",
    () => STORY.toSpliced(4, 0, ["step_failed", model]),
    "illegal_transition",
    4,
    "no step_failed can follow",
  ],
  ["a step that ends and was not begun", () => without(2), "illegal_transition", 2, "not begun yet"],
  [
    "a step that begins twice",
    () => STORY.toSpliced(CALLED + 1, 0, ["step_intended", call]),
    "illegal_transition",
    14,
    "no step_intended can follow",
  ],
  ["a step that was left out", () => without(2, 3), "illegal_transition", 2, "step 2 of run_"],
  [
    "a step that goes on after it was refused",
    () => instead(2, ["step_refused", model]),
    "illegal_transition",
    3,
    "is refused",
  ],
  [
    "a second try of what was never in doubt",
    () => without(IN_DOUBT),
    "illegal_transition",
    22,
    "no step_retried can follow",
  ],
  [
    "a second try without a person's word",
    () => without(SPENT_AGAIN),
    "call_unapproved",
    22,
    "and none was spent for it",
  ],
  [
    "a second try by a word on another call",
    () => saying(RETRIED, { approved_digest: digest("b") }),
    "call_differs",
    23,
    "is not the call that was approved",
  ],
  [
    "a second try of what a person said had happened",
    () =>
      instead(18, ["approval_confirmed", about]).with(19, [
        "step_succeeded",
        { ...doubt, answer: "confirmed" },
      ]),
    "call_unapproved",
    23,
    "said another thing of it",
  ],
  [
    "a lost outcome that is taken as done without a person's word",
    () => instead(IN_DOUBT + 1, ["step_succeeded", call]),
    "call_unapproved",
    15,
    "needs a person's word",
  ],
  [
    "one effect in two steps",
    () => [...STORY.slice(0, 25), ["step_intended", { ...call, step: 5, verdict: "permit" }]],
    "effect_repeated",
    25,
    "has the effect of step 3",
  ],
  [
    "a call that ends as another one",
    () => saying(IN_DOUBT, { name: "read" }),
    "call_differs",
    14,
    "the name of step 3",
  ],
  [
    "a call that ends under another key",
    () => saying(24, { effect_id: digest("f") }),
    "call_differs",
    24,
    "the effect_id of step 3",
  ],
  [
    "a call that ends as a step of another kind",
    () => saying(24, { step_kind: "model" }),
    "call_differs",
    24,
    "the step_kind of step 3",
  ],
  [
    "a call that ends with another effect",
    () => saying(24, { effect: "idempotent" }),
    "call_differs",
    24,
    "the effect of step 3",
  ],
  [
    "a call that ends with other arguments",
    () => saying(24, { action_digest: digest("f") }),
    "call_differs",
    24,
    "the action_digest of step 3",
  ],
  [
    "a step that does not say which",
    () => saying(3, { step: undefined }),
    "event_unclear",
    3,
    "does not say",
  ],
  ["a step whose number is none", () => saying(3, { step: 1.5 }), "event_unclear", 3, "does not say"],
  [
    "an approval that does not say which",
    () => saying(8, { approval_id: null }),
    "event_unclear",
    8,
    "does not say",
  ],
  [
    "a step after the run's end",
    () => [...STORY, ["step_intended", { ...model, step: 6 }]],
    "illegal_transition",
    29,
    "no step_intended can follow",
  ],
];

const wrong = laid(WRONG.map(([, story]) => story()));
let judged: ReturnType<typeof judge> | null = null;

test.each(WRONG.map((one, i) => [...one, wrong.starts[i] ?? 0] as const))(
  "is found by whoever reads it, of what a run does: %s",
  async (_, __, code, place, line, start) => {
    judged ??= judge({ files: exportOf(wrong.list) });
    const { ours, second } = await judged;
    expect(ours).toContain(`${code} at entry ${start + place}`);
    if (!isPythonHere) return;
    const said = second.split("\n").filter((one) => one.startsWith(`entry ${start + place}: in epoch 1, `));
    expect(said.join("\n")).toContain(line);
  },
);

const ofBefore = (event: Event): Event => {
  const { approval_id: _, approved_digest: __, ...data } = event[1] ?? {};
  return [event[0], data];
};

const external: readonly Event[] = STORY.with(CALLED, [
  "step_intended",
  { ...call, verdict: "permit", approval_id: FIRST, approved_digest: digest("b") },
]);
const confirmed: readonly Event[] = instead(18, ["approval_confirmed", about])
  .with(19, ["step_succeeded", { ...doubt, answer: "confirmed" }])
  .toSpliced(RETRIED, 1);
const withdrawn: readonly Event[] = [
  ...STORY.slice(0, 7),
  ["approval_cancelled", asked],
  ["step_failed", gate],
  ["run_cancelled"],
];
const declared: readonly Event[] = [
  ...STORY.slice(0, 4),
  ["step_intended", { ...gate, verdict: "permit" }],
  ["step_succeeded", { ...gate, verdict: "permit", answer: "permitted" }],
  ["step_refused", { ...call, verdict: "deny" }],
  ["run_failed"],
];

const HONEST: readonly (readonly Event[])[] = [
  STORY,
  // Of a driven run, whose rules permit what was approved.
  external,
  confirmed,
  withdrawn,
  declared,
  // Kinds that nobody knows, behind its end too.
  [...STORY.slice(0, 13), ["step_thought"], ...STORY.slice(13), ["run_praised"]],
  // Of a program that did not say by which approval a call was made.
  STORY.map((event, i) => (i === CALLED || i === RETRIED ? ofBefore(event) : event)),
  // Nothing wrong where it breaks off.
  ...STORY.map((_, i) => STORY.slice(0, i)),
];

test("of runs that did nothing wrong nothing is said, wherever they break off", async () => {
  await expectAccepted({ files: exportOf(laid(HONEST).list) });
});

/** Without the lines of these entries, and with a record of each. */
function erased(list: readonly Entry[], places: readonly number[]): Files {
  const records = places.map((place, i) =>
    entry(list.length + i, { kind: "payload.erased", subject: `entry:1:${place}`, version: 1 }),
  );
  const files = exportOf([...list, ...records]);
  for (const path of [...files.keys()].filter((name) => name.startsWith("payloads/"))) {
    const lines = at(files, path)
      .toString()
      .split(/(?<=\n)/u);
    const kept = lines.filter((line) => !places.some((place) => line.startsWith(`{"i":${place},`)));
    files.set(path, Buffer.from(kept.join("")));
  }
  return files;
}

test("of runs of which anything was erased, by record, nothing is said", async () => {
  const { list, starts } = laid([...STORY.map(() => STORY), STORY]);
  const all = [4, 5, 7, 8, 9, 12].map((place) => (starts.at(-1) ?? 0) + place);
  await expectAccepted({ files: erased(list, [...STORY.map((_, i) => (starts[i] ?? 0) + i), ...all]) });
});

test("of a run of which something was erased, all that comes behind it is still held to the rules", async () => {
  const { list } = laid([STORY.toSpliced(25, 0, ["step_failed", call])]);
  const finding = "illegal_transition at entry 25";
  await expectFound({ files: erased(list, [3, CALLED]) }, finding, "no step_failed can follow");
});

/** Runs that are cut at each of these events: what came before, and what came after, from this place on. */
function cut(log?: string): (place: number) => Entry[] {
  return (place) => {
    const rest: Entry[] = [];
    for (const from of CUTS)
      rest.push(
        ...told(runOf(from), STORY.slice(from), {
          place: place + rest.length,
          version: from + 1,
          ...(log === undefined ? {} : { log }),
        }),
      );
    return rest;
  };
}
const CUTS = [5, 7, 9, 13, 14, 15, 23];
function untilCut(): Entry[] {
  const list: Entry[] = [];
  for (const from of CUTS) list.push(...told(runOf(from), STORY.slice(0, from), { place: list.length }));
  return list;
}

test("of runs whose beginnings were pruned, by record, nothing is said", async () => {
  const before = untilCut();
  const filler = Array.from({ length: 256 - before.length }, (_, i) =>
    entry(before.length + i, { subject: `doc_${String(i)}`, version: 1, kind: "document_added" }),
  );
  const list = [...before, ...filler, ...cut()(256)];
  const record = entry(list.length, { kind: "log.pruned", subject: "pruned:1:256", version: 1 });
  await expectAccepted({ files: pruned(exportOf([...list, record]), 0) });
});

test("of runs that go on in the next log nothing is said", async () => {
  const before = untilCut();
  const begun = beginning(LATER, ORIGIN, { size: before.length, note: noteOf(before) });
  const list = [begun, ...cut(LATER)(1)];
  const later = exportOf(list, noteOf(list, LATER_KEY, LATER));
  await expectAccepted({ files: exportOf(before), later });
});
