// Approvals that are properly signed, and were given by too few, or by people who had no right to, before both verifiers; and what
// events of before leave out, which is not known and no finding.

import type { Actor, KeyId, Role, Scope } from "@assent/contract";
import { expect, test } from "vitest";
import {
  beginning,
  type Entry,
  entry,
  exportOf,
  noteOf,
  ORIGIN,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { type Giver, givenData, neededData } from "../../../packages/harness/src/core/decide/assent-data.ts";
import type { Assent } from "../../../packages/harness/src/core/decide/policy-annotations.ts";
import { judge, LATER, LATER_KEY } from "../../support/both-verifiers.ts";
import { expectAccepted } from "../../support/odd-copies.ts";
import { isPythonHere } from "../../support/second-verifier.ts";

const actor = (digit: string, name: string, kind: Actor["kind"] = "human"): Actor => ({
  id: `prn_${digit.repeat(32)}`,
  kind,
  name,
});
const ASKER = actor("a", "anna");
/** Another principal of the same person: what an identity provider calls her. */
const ASKER_AGAIN = actor("b", "corp:Anna");
const BEN = actor("c", "ben");
const BEN_AGAIN = actor("d", "corp:ben");
const CARL = actor("e", "carl");
const PROGRAM = actor("f", "ci", "service");

const APPROVAL = `apr_${"1".repeat(32)}`;
const digest = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;
const TWO: Assent = { quorum: 2, separateDuties: true, timeoutMs: 1_000, onTimeout: "deny" };
const ONE: Assent = { ...TWO, quorum: 1, separateDuties: false };
const NAMED: Assent = { ...TWO, separateDuties: false, approvers: ["ben", "carl", "service/ci"] };

/** Somebody by a token of an identity provider, who has the role. */
const holding = (who: Actor, of: Partial<Giver> = {}): Giver => ({
  actor: who,
  key: null,
  roles: ["approver"],
  scopes: [],
  rules: null,
  ...of,
});
const keyOf = (digit: string): KeyId => `key_${digit.repeat(32)}`;
const [BENS, REVOKED, PLAIN, SCOPED] = [keyOf("1"), keyOf("2"), keyOf("3"), keyOf("4")] as const;
const made = (id: KeyId, roles: readonly Role[], scopes: readonly Scope[] = []): Data => ({
  key_id: id,
  principal_id: BEN.id,
  roles,
  scopes,
  must_sign: false,
  expires_at: null,
  by: null,
});
/** What the log tells of Ben's keys, before all else. */
const KEYS: readonly Entry[] = (
  [
    ["key_created", made(BENS, ["approver"])],
    ["key_created", made(REVOKED, ["admin"])],
    ["key_rotated", { ...made(PLAIN, ["requester"]), replaces: keyOf("5") }],
    ["key_created", made(SCOPED, [], ["runs:read", "approvals:decide"])],
    ["key_revoked", made(REVOKED, ["admin"])],
    // Nobody's word for more than it was made with.
    ["key_created", made(PLAIN, ["approver"])],
    ["key_created", { key_id: 7 }],
  ] as const
).map(([kind, data], i) =>
  entry(i, { subject: `access_${String(i).repeat(32)}`, version: 1, kind, payload: JSON.stringify(data) }),
);
/** One yes, where it takes one. */
const only = (giver: Giver, says: Data = {}): Event[] =>
  story(ONE, [yes(giver.actor, { given: { ...givenData(APPROVAL, giver), ...says } })]);

type Data = Readonly<Record<string, unknown>>;
type Event = readonly [kind: string, data: Data, by: Actor | null];
const gate = { step: 1, step_kind: "gate", name: "pay", effect: "none", verdict: "needs_approval" };
const call = {
  step: 2,
  step_kind: "tool",
  name: "pay",
  effect: "once",
  action_digest: digest("c"),
  effect_id: digest("e"),
};
const asked = { approval_id: APPROVAL, step: 1, action_digest: digest("a") };

/** What a yes says; `null` as whose it is: as events of before, nothing. */
type Yes = { readonly by: Actor; readonly says?: Data };
const yes = (by: Actor, says?: Data): Yes => ({ by, ...(says === undefined ? {} : { says }) });

/** A run that asks for these, and gets the last yes with others before it. */
function story(requirement: Assent | null, voices: readonly Yes[], opened: Data = {}): Event[] {
  const assent = requirement === null ? {} : { assent: neededData(APPROVAL, requirement, ASKER) };
  const said = ({ by, says }: Yes): Data => says ?? { given: givenData(APPROVAL, holding(by)) };
  const last = voices.at(-1) ?? expect.unreachable();
  return [
    ["run_queued", {}, ASKER],
    ["run_leased", {}, null],
    ["step_intended", gate, null],
    ["approval_opened", { ...asked, subject: "action", ...assent, ...opened }, null],
    ["run_parked", {}, null],
    ...voices
      .slice(0, -1)
      .map((one, i): Event => [
        "approval_voted",
        { ...asked, votes: i + 1, quorum: requirement?.quorum ?? 2, ...said(one) },
        one.by,
      ]),
    ["approval_approved", { ...asked, ...said(last) }, last.by],
    ["step_succeeded", { ...gate, answer: "approved" }, last.by],
    ["run_resumed", {}, last.by],
    ["run_leased", {}, null],
    [
      "approval_spent",
      { ...asked, action_digest: last.says?.["action_digest"] ?? asked.action_digest },
      null,
    ],
    [
      "step_intended",
      {
        ...call,
        approval_id: APPROVAL,
        approved_digest: last.says?.["action_digest"] ?? asked.action_digest,
      },
      null,
    ],
  ];
}

/** Runs one behind the other in one log, and where each begins. */
function laid(
  stories: readonly (readonly Event[])[],
  before: readonly Entry[] = [],
): { readonly list: Entry[]; readonly starts: number[] } {
  const [list, starts]: [Entry[], number[]] = [[...before], []];
  for (const [i, events] of stories.entries()) {
    starts.push(list.length);
    const subject = `run_${i.toString(16).padStart(32, "0")}`;
    for (const [version, [kind, data, by]] of events.entries())
      list.push(
        entry(list.length, {
          subject,
          version: version + 1,
          kind,
          payload: JSON.stringify(data),
          actor: by?.id ?? null,
        }),
      );
  }
  return { list, starts };
}

const given = (by: Actor, other: Data): Data => ({
  given: { ...givenData(APPROVAL, holding(by)), ...other },
});
const [FIRST, SECOND] = [5, 6];

const WRONG: readonly (readonly [string, () => Event[], code: string, place: number, line: string])[] = [
  [
    "one yes where it takes two",
    () => story(TWO, [yes(BEN)]),
    "approval_unmet",
    FIRST,
    "takes 2 people, and 1 agreed",
  ],
  [
    "two of one person's principals",
    () => story(TWO, [yes(BEN), yes(BEN_AGAIN)]),
    "approval_unmet",
    SECOND,
    "takes 2 people, and 1 agreed",
  ],
  [
    "one principal twice, under two names",
    () => story(TWO, [yes(BEN, {}), yes(BEN, {})]),
    "approval_unmet",
    SECOND,
    "takes 2 people, and 1 agreed",
  ],
  [
    "too few of an event of before, which says how many it takes",
    () => story(null, [yes(BEN, {}), yes(BEN, {})]),
    "approval_unmet",
    SECOND,
    "takes 2 people, and 1 agreed",
  ],
  [
    "the principal that asked",
    () => story(TWO, [yes(BEN), yes(ASKER)]),
    "approver_unentitled",
    SECOND,
    "has a yes of who asked for the run",
  ],
  [
    "the principal that asked, as somebody else",
    () => story(TWO, [yes(BEN), yes(ASKER, { given: givenData(APPROVAL, holding(CARL)) })]),
    "approver_unentitled",
    SECOND,
    "has a yes of who asked for the run",
  ],
  [
    "the person who asked, as another principal",
    () => story(TWO, [yes(ASKER_AGAIN), yes(CARL)]),
    "approver_unentitled",
    FIRST,
    "has a yes of who asked for the run",
  ],
  [
    "a program where it takes people",
    () => story(TWO, [yes(BEN), yes(PROGRAM)]),
    "approver_unentitled",
    SECOND,
    "has a yes of a program",
  ],
  [
    "somebody whom the rule does not name",
    () => story(NAMED, [yes(ASKER), yes(BEN)]),
    "approver_unentitled",
    FIRST,
    "has a yes of somebody who is not among its approvers",
  ],
  [
    "a program of a person's name",
    () => story({ ...NAMED, approvers: ["ben", "carl"] }, [yes(CARL), yes(actor("9", "ben", "service"))]),
    "approver_unentitled",
    SECOND,
    "has a yes of somebody who is not among its approvers",
  ],
  [
    "somebody who changed what others had agreed to",
    () =>
      story(TWO, [
        yes(BEN),
        yes(CARL, { ...given(CARL, {}), asked_digest: asked.action_digest, action_digest: digest("b") }),
      ]),
    "approver_unentitled",
    SECOND,
    "has a yes of who changed the call",
  ],
  [
    "another number of people with a yes than with the question",
    () => story(TWO, [yes(BEN, { ...given(BEN, {}), quorum: 1 }), yes(CARL)]),
    "approval_unmet",
    FIRST,
    "is said to take 1 people, and took 2",
  ],
  [
    "another requester than the run's",
    () => story(TWO, [yes(BEN), yes(CARL)], { assent: neededData(APPROVAL, TWO, CARL) }),
    "approver_unentitled",
    3,
    "names another requester",
  ],
  [
    "a question that says nothing clear of who has to agree",
    () => story(TWO, [yes(BEN), yes(CARL)], { assent: { quorum: "2" } }),
    "event_unclear",
    3,
    "does not say who has to agree",
  ],
  [
    "a list of approvers that is none",
    () =>
      story(TWO, [yes(BEN), yes(CARL)], { assent: { ...neededData(APPROVAL, TWO, ASKER), approvers: [1] } }),
    "event_unclear",
    3,
    "does not say who has to agree",
  ],
  [
    "a yes that says nothing clear of whose it is",
    () => story(TWO, [yes(BEN, given(BEN, { person: 1 })), yes(CARL)]),
    "event_unclear",
    FIRST,
    "has a yes that does not say whose it is",
  ],
  ...(
    [
      ["somebody of no role", only(holding(BEN, { roles: [] }))],
      ["somebody whose roles are others", only(holding(BEN, { roles: ["requester", "auditor"] }))],
      ["a key whose scopes are others", only(holding(PROGRAM, { roles: [], scopes: ["runs:write"] }))],
    ] as const
  ).map(
    ([name, events]) =>
      [
        name,
        () => events,
        "approver_unentitled",
        FIRST,
        "has a yes of who had no role to approve by",
      ] as const,
  ),
  ...(
    [
      ["a key that was revoked", holding(BEN, { key: REVOKED, roles: ["admin"] }), "a key that was revoked"],
      ["a key of somebody else", holding(CARL, { key: BENS }), "a key of somebody else"],
      ["a role that its key never had", holding(BEN, { key: PLAIN }), "who had not the role"],
      [
        "a scope that its key never had",
        holding(BEN, { key: BENS, roles: [], scopes: ["approvals:decide"] }),
        "who had not the role",
      ],
    ] as const
  ).map(([name, giver, line]) => [name, () => only(giver), "approver_unentitled", FIRST, line] as const),
  ...[{ key: 7 }, { roles: "approver" }, { roles: [7] }, { scopes: undefined }, { rules: [] }].map(
    (says) =>
      [
        `a yes that says nothing clear of by what right it is (${Object.keys(says).join()})`,
        () => only(holding(BEN), says),
        "event_unclear",
        FIRST,
        "has a yes that does not say whose it is",
      ] as const,
  ),
];

const wrong = laid(
  WRONG.map(([, events]) => events()),
  KEYS,
);
let judged: ReturnType<typeof judge> | null = null;

test.each(WRONG.map((one, i) => [...one, wrong.starts[i] ?? 0] as const))(
  "is found by both: an approval with %s",
  async (_, __, code, place, line, start) => {
    judged ??= judge({ files: exportOf(wrong.list) });
    const { ours, second } = await judged;
    const at = (name: string): boolean => Number(/entry (\d+)$/u.exec(name)?.[1] ?? -1) >= start;
    const of = ours.filter((name) => at(name) && !at(name.replace(/\d+$/u, (n) => String(Number(n) - 12))));
    expect(ours).toContain(`${code} at entry ${start + place}`);
    expect(of.length).toBeGreaterThan(0);
    if (!isPythonHere) return;
    const said = second.split("\n").filter((one) => one.startsWith(`entry ${start + place}: in epoch 1, `));
    expect(said.join("\n")).toContain(line);
  },
);

test("both find as much", async () => {
  judged ??= judge({ files: exportOf(wrong.list) });
  const { ours, second } = await judged;
  expect(new Set(ours).size).toBe(ours.length);
  if (isPythonHere) expect(second.split("\n")).toHaveLength(ours.length);
});

/** As it was said before it was said by what right. */
const before = (by: Actor): Data =>
  given(by, { key: undefined, roles: undefined, scopes: undefined, rules: undefined });
const HONEST: readonly (readonly Event[])[] = [
  only(holding(BEN, { key: BENS })),
  only(holding(BEN, { key: SCOPED, roles: [], scopes: ["runs:read", "approvals:decide"] })),
  // Of a key from before this log nothing is known.
  only(holding(CARL, { key: keyOf("9"), roles: ["requester", "admin"] })),
  story(TWO, [yes(BEN), yes(CARL, before(CARL))]),
  // By rules of an operator's own, which may take for a right what they like.
  only(holding(BEN, { roles: ["auditor"], rules: digest("f") })),
  story(TWO, [yes(BEN), yes(CARL)]),
  // More than are needed: somebody asked while the rule wanted more.
  story(TWO, [yes(BEN), yes(CARL), yes(actor("8", "dora"))]),
  story(ONE, [yes(ASKER)]),
  story(ONE, [yes(PROGRAM)]),
  story(NAMED, [yes(BEN), yes(PROGRAM)]),
  // To other arguments, where nobody else has to agree.
  story(ONE, [
    yes(BEN, { ...given(BEN, {}), asked_digest: asked.action_digest, action_digest: digest("b") }),
  ]),
  // Asked by this program and answered by one of before, as while an installation is upgraded; and the other way round.
  story(TWO, [yes(BEN, {}), yes(CARL, {})]),
  story(TWO, [yes(BEN), yes(CARL, {})]),
  story(null, [yes(BEN), yes(CARL)]),
  story(null, [yes(BEN, {}), yes(CARL, {})]),
];

test("of approvals by enough people who had the right nothing is said, and of those of before that it is not known", async () => {
  const files = exportOf(laid(HONEST, KEYS).list);
  await expectAccepted({ files });
  const { second } = await judge({ files });
  expect(second).toMatch(
    isPythonHere
      ? /; of 6 approvals it does not say who had to agree, who did, or by what right$/u
      : /not run/u,
  );
});

test("an approval of which a yes was erased, or that began before what is there, is held to nothing", async () => {
  // Without the question, and without the first yes.
  const events = story(TWO, [yes(BEN), yes(CARL)]);
  const rest = events.slice(4);
  const list = laid([rest]).list.map((one, i) => {
    const [kind = "", data = {}, by = null] = rest[i] ?? [];
    return {
      ...one,
      ...entry(i + 1, {
        subject: `run_${"0".repeat(32)}`,
        version: i + 5,
        kind,
        payload: JSON.stringify(data),
        actor: by?.id ?? null,
        log: LATER,
      }),
    };
  });
  const first = laid([events.slice(0, 4)]).list;
  const begun = beginning(LATER, ORIGIN, { size: first.length, note: noteOf(first) });
  const all = [begun, ...list];
  await expectAccepted({ files: exportOf(first), later: exportOf(all, noteOf(all, LATER_KEY, LATER)) });
});
