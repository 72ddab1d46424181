// Runs as their events tell them, honest ones and such as somebody changed at random: what both verifiers of a log are held
// against each other with.

import type { Actor } from "@assent/contract";
import { type Giver, givenData, neededData } from "../../packages/harness/src/core/decide/assent-data.ts";
import type { Assent } from "../../packages/harness/src/core/decide/policy-annotations.ts";

export type RunEvent = {
  readonly kind: string;
  /** A text is the payload as it stands. */
  readonly data: Readonly<Record<string, unknown>> | string;
  readonly actor: string | null;
};

export type Random = {
  /** A whole number from 0 on, below this one. */
  below(count: number): number;
  of<T>(all: readonly T[]): T;
};

/** The same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed;
  const below = (count: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  };
  return {
    below,
    of(all) {
      const one = all[below(all.length)];
      if (one === undefined) throw new RangeError("there is nothing to choose from");
      return one;
    },
  };
}

const digest = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;
const actorOf = (digit: string, name: string): Actor => ({
  id: `prn_${digit.repeat(32)}`,
  kind: "human",
  name,
});
const [ANN, BEN, CARL] = [actorOf("a", "ann"), actorOf("b", "ben"), actorOf("c", "carl")];
const [FIRST, SECOND] = [`apr_${"1".repeat(32)}`, `apr_${"2".repeat(32)}`];
const TWO: Assent = {
  quorum: 2,
  separateDuties: true,
  timeoutMs: 1,
  onTimeout: "deny",
  approvers: ["ben", "carl"],
};
const ONE: Assent = { quorum: 1, separateDuties: false, timeoutMs: 1, onTimeout: "deny" };

const event = (
  kind: string,
  data: Readonly<Record<string, unknown>> = {},
  by: Actor | null = null,
): RunEvent => ({
  kind,
  data,
  actor: by?.id ?? null,
});
const holding = (actor: Actor): Giver => ({ actor, key: null, roles: ["approver"], scopes: [], rules: null });
const model = { step: 1, step_kind: "model", name: "m", effect: "idempotent", prompt_digest: digest("9") };
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
const about = { approval_id: SECOND, step: 4, action_digest: digest("d") };

/** A call that two people agree to, whose outcome is lost, and that one of them has tried again. */
const PAID: readonly RunEvent[] = [
  event("run_queued", {}, ANN),
  event("run_leased"),
  event("step_intended", model),
  event("step_succeeded", { ...model, model: "other", input_tokens: 12, tried: [{ model: "m" }] }),
  event("step_intended", gate),
  event("approval_opened", { ...asked, subject: "action", assent: neededData(FIRST, TWO, ANN) }),
  event("run_parked"),
  event("approval_voted", { ...asked, votes: 1, quorum: 2, given: givenData(FIRST, holding(BEN)) }, BEN),
  event("approval_approved", { ...asked, given: givenData(FIRST, holding(CARL)) }, CARL),
  event("step_succeeded", { ...gate, answer: "approved" }, CARL),
  event("run_resumed", {}, CARL),
  event("run_leased"),
  event("approval_spent", asked),
  event("step_intended", { ...call, approval_id: FIRST, approved_digest: digest("a") }),
  event("step_in_doubt", call),
  event("step_intended", doubt),
  event("approval_opened", { ...about, subject: "in_doubt", assent: neededData(SECOND, ONE, ANN) }),
  event("run_parked"),
  event("approval_approved", { ...about, given: givenData(SECOND, holding(ANN)) }, ANN),
  event("step_succeeded", { ...doubt, answer: "approved" }, ANN),
  event("run_resumed", {}, ANN),
  event("run_leased"),
  event("approval_spent", about),
  event("step_retried", { ...call, approval_id: SECOND, approved_digest: digest("d") }),
  event("step_succeeded", call),
  event("run_succeeded"),
];
const DENIED: readonly RunEvent[] = [
  ...PAID.slice(0, 7),
  event("approval_denied", asked, BEN),
  event("step_succeeded", { ...gate, answer: "denied" }, BEN),
  event("run_resumed", {}, BEN),
  event("run_leased"),
  event("step_refused", { ...call, verdict: "deny" }),
  event("run_failed"),
];
const CONFIRMED: readonly RunEvent[] = [
  ...PAID.slice(0, 18),
  event("approval_confirmed", about, BEN),
  event("step_succeeded", { ...doubt, answer: "confirmed" }, BEN),
  event("run_resumed", {}, BEN),
  event("run_leased"),
  event("approval_spent", about),
  event("step_succeeded", call),
  event("run_cancelled", {}, ANN),
];
export const stories: readonly (readonly RunEvent[])[] = [PAID, DENIED, CONFIRMED];

const KINDS = [
  ...new Set(stories.flat().map(({ kind }) => kind)),
  "approval_expired",
  "approval_cancelled",
  "step_failed",
  "run_released",
  "effects_left",
  "x",
];
const FIELDS = [
  ...new Set(stories.flat().flatMap(({ data }) => (typeof data === "string" ? [] : Object.keys(data)))),
  "asked_digest",
];
const VALUES: readonly unknown[] = [
  0,
  1,
  2,
  3,
  4,
  1.5,
  -1,
  2 ** 53,
  true,
  false,
  null,
  "",
  "approved",
  "confirmed",
  "deny",
  "permit",
  "gate",
  "tool",
  "in_doubt",
  "action",
  FIRST,
  SECOND,
  digest("a"),
  digest("d"),
  digest("e"),
  [],
  {},
  ["x"],
  { step: 1 },
  neededData(FIRST, ONE, ANN),
  neededData(FIRST, { ...ONE, quorum: 3 }, BEN),
  { ...neededData(FIRST, TWO, ANN), approvers: null },
  { ...neededData(FIRST, TWO, ANN), quorum: true },
  { ...neededData(FIRST, TWO, ANN), separate_duties: 1 },
  givenData(FIRST, holding(ANN)),
  givenData(FIRST, holding(BEN)),
  { ...givenData(FIRST, holding(CARL)), by: "service" },
  { ...givenData(FIRST, holding(CARL)), person: 7 },
  givenData(FIRST, { ...holding(BEN), roles: [] }),
  givenData(FIRST, { ...holding(BEN), roles: ["auditor", "requester"] }),
  givenData(FIRST, { ...holding(BEN), roles: [], scopes: ["runs:read", "approvals:decide"] }),
  { ...givenData(FIRST, holding(CARL)), key: 7 },
  { ...givenData(FIRST, holding(CARL)), rules: false },
  givenData(FIRST, { ...holding(BEN), roles: [], rules: digest("f") }),
  { ...givenData(FIRST, holding(CARL)), roles: "approver" },
  {
    ...givenData(FIRST, holding(CARL)),
    key: undefined,
    roles: undefined,
    scopes: undefined,
    rules: undefined,
  },
  { ...givenData(FIRST, holding(CARL)), scopes: undefined },
];
const ODD_TEXTS = [
  "",
  "null",
  "[]",
  "1",
  '"x"',
  "{",
  '{"step":1,"step":2}',
  '{"step": 1}',
  '{"step":1.0,"step_kind":"tool"}',
  '{"step":1e0}',
  "\u00e9",
  "{}",
];

/** Put behind what an event says: JSON in odd spellings, and what only some readers take for JSON. */
const MORE: readonly string[] = [
  '"x":NaN',
  '"x":-Infinity',
  '"x":1e999',
  '"x":-0',
  '"x":01',
  '"x":1.',
  '"x":.5',
  '"x":+1',
  '"x":tru',
  '"x":"\\ud800"',
  '"x":"\\x41"',
  '"x":"a\nb"',
  '"x":"\u2028"',
  `"x":${"9".repeat(5_000)}`,
  `"x":${"[".repeat(40)}${"]".repeat(40)}`,
  '"x": 1 ',
  '"\\u0073tep":1',
  '"step":2',
  '"__proto__":{"step":9}',
  '"toString":1',
  '"step_kind":"gate","step_kind":"tool"',
  "",
];

/** Texts that some readers take for another encoding of JSON. */
const READINGS: readonly ((text: string) => string)[] = [
  (text) => `\ufeff${text}`,
  (text) => `${Array.from(text).join("\0")}\0`,
  (text) => `\0${Array.from(text).join("\0")}`,
  (text) => ` ${text}\n`,
  (text) => `${text}\u00a0`,
];

/** The story with one to three things changed: of some nothing is wrong even so. */
export function tamperedStory(random: Random, story: readonly RunEvent[]): readonly RunEvent[] {
  let events = story;
  for (let left = random.below(4); left > 0; left -= 1) events = tamper(random, events);
  return events;
}

function tamper(random: Random, events: readonly RunEvent[]): readonly RunEvent[] {
  const at = random.below(events.length);
  const one = events[at];
  if (one === undefined) return events;
  const other = events[random.below(events.length)] ?? one;
  switch (random.below(13)) {
    case 0:
      return events.length > 1 ? events.toSpliced(at, 1) : events;
    case 1:
      return events.toSpliced(at, 0, other);
    case 2:
      return events.with(at, other).with(events.indexOf(other), one);
    case 3:
      return events.with(at, { ...one, kind: random.of(KINDS) });
    case 4:
      return events.with(at, { ...one, actor: random.of([null, ANN.id, BEN.id, CARL.id]) });
    case 5:
      return events.with(at, { ...one, data: random.of(ODD_TEXTS) });
    case 12:
      return typeof one.data === "string"
        ? events
        : events.with(at, { ...one, data: random.of(READINGS)(JSON.stringify(one.data)) });
    case 10:
    case 11:
      return typeof one.data === "string"
        ? events
        : events.with(at, { ...one, data: `${JSON.stringify(one.data).slice(0, -1)},${random.of(MORE)}}` });
    case 6:
      return events.with(at, { ...one, data: other.data });
    default:
      return events.with(at, { ...one, data: changed(random, one.data) });
  }
}

function changed(random: Random, data: RunEvent["data"]): RunEvent["data"] {
  if (typeof data === "string") return data;
  const field =
    random.below(3) > 0 && Object.keys(data).length > 0 ? random.of(Object.keys(data)) : random.of(FIELDS);
  if (random.below(4) > 0) return { ...data, [field]: random.of(VALUES) };
  const { [field]: _, ...rest } = data;
  return rest;
}
