// `assent audit verify --db --state` on votes and on the keys that requests are signed with: every column of a row, changed by
// whoever owns the database, and rows put there or taken away, are found with their place.

import { generateKeyPairSync } from "node:crypto";
import {
  type Approval,
  type ApprovalId,
  type RunId,
  type SigningKey,
  type SigningKeyRequest,
  uuidOf,
} from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";
import { foundIn, stateAfter } from "../../support/state-after.ts";

let engine: Engine;
let [ann, bob, eve]: Caller[] = [];
let given: { run: RunId; approval: ApprovalId };
let open: { run: RunId; approval: ApprovalId };
let [ed, ending, replaced, revoked]: SigningKey[] = [];

beforeAll(async () => {
  const call = { id: "c1", tool: "count", arguments: { amount: 10 } };
  engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call] } : { text: "Done." })),
    tools: [countingTool("count", "once")],
    policies: policiesOf({
      texts: {
        "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
          @id("ask") @needs_approval @quorum("2") forbid (principal, action == Action::"call", resource);`,
      },
    }),
  });
  await engine.startWorker();
  [ann, bob, eve] = await Promise.all(
    ["ann", "bob", "eve"].map(async (name) => await engine.newCaller(name, "default", "human")),
  );
  given = await asked();
  await approve(ann, given.approval);
  await approve(bob, given.approval);
  await engine.reaches(given.run, "succeeded");
  open = await asked();
  await approve(ann, open.approval);
  ed = await newKey("robot", { algorithm: "ed25519", public_key: publicKey() });
  ending = await newKey("robot", { algorithm: "hmac-sha256", expires_at: "2099-01-01T00:00:00Z" });
  const old = await newKey("other", { algorithm: "hmac-sha256" });
  value(await engine.harness.rotateSigningKey(engine.caller, old.id, { overlap_seconds: 600 }));
  const toGo = await newKey("other", { algorithm: "hmac-sha256" });
  revoked = value(await engine.harness.revokeSigningKey(engine.caller, toGo.id));
  replaced = value(await engine.harness.listSigningKeys(engine.caller)).find(({ id }) => id === old.id);
});
afterAll(async () => await engine[Symbol.asyncDispose]());

const publicKey = (): string =>
  generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x ?? expect.unreachable();

async function asked(): Promise<{ run: RunId; approval: ApprovalId }> {
  const run = await engine.submit();
  const { approvals } = await engine.reaches(run, "awaiting_approval");
  return { run, approval: openOf(approvals).id };
}

const openOf = (approvals: readonly Approval[]): Approval =>
  approvals.find(({ status }) => status === "open") ?? expect.unreachable();

async function approve(by: Caller | undefined, approval: ApprovalId): Promise<void> {
  const { action_digest } = value(await engine.harness.getApproval(engine.caller, approval));
  const word = { approval_id: approval, decision: "approve", action_digest } as const;
  value(await engine.harness.decide(by ?? expect.unreachable(), word));
}

const newKey = async (name: string, key: Omit<SigningKeyRequest, "principal">): Promise<SigningKey> =>
  value(
    await engine.harness.createSigningKey(engine.caller, { principal: { name, kind: "service" }, ...key }),
  );

const idOf = (caller: Caller | undefined): string => caller?.actor.id ?? expect.unreachable();
const uuidOfKey = (key: SigningKey | undefined): string =>
  key === undefined ? expect.unreachable() : uuidOf(key.id);
const vote = (of: { approval: ApprovalId }, by: Caller | undefined): string =>
  `approval_id = '${uuidOf(of.approval)}' and principal_id = '${principalOf(by)}'`;
const principalOf = (by: Caller | undefined): string =>
  by === undefined ? expect.unreachable() : uuidOf(by.actor.id);
const nameOf = (of: { run: RunId; approval: ApprovalId }, by: Caller | undefined): string =>
  `${of.run} ${of.approval} vote of ${idOf(by)}`;
const KEY_COLUMNS = "tenant_id, principal_id, algorithm, public_key, created_at, expires_at, revoked_at";
const NOBODY = "00000000-0000-7000-8000-00000000abcd";

test("an honest database has nothing to be found, and says how many were held against their events", async () => {
  const state = await stateAfter(engine, []);
  expect(state.findings).toEqual([]);
  expect(state).toMatchObject({ votes: 3, signingKeys: { held: 5, loose: 0, erased: 0 } });
  expect(replaced?.expires_at).not.toBeNull();
});

type Attack = [what: string, statements: () => readonly string[], findings: () => readonly string[]];

const VOTES: readonly Attack[] = [
  [
    "a vote that nobody gave, the last that an approval needs",
    () => [
      `insert into assent.approval_votes select tenant_id, approval_id, '${principalOf(eve)}', action_digest, at
       from assent.approval_votes where ${vote(open, ann)}`,
    ],
    () => [`row_added at ${nameOf(open, eve)}`],
  ],
  [
    "a vote that is gone",
    () => [`delete from assent.approval_votes where ${vote(given, bob)}`],
    () => [`row_removed at ${nameOf(given, bob)}`],
  ],
  [
    "whose vote it is",
    () => [`update assent.approval_votes set principal_id = '${principalOf(eve)}' where ${vote(given, bob)}`],
    () => [`row_added at ${nameOf(given, eve)}`, `row_removed at ${nameOf(given, bob)}`],
  ],
  [
    "what it is a vote on",
    () => [`update assent.approval_votes set action_digest = sha256('x') where ${vote(given, ann)}`],
    () => [`row_altered at ${nameOf(given, ann)}`],
  ],
  [
    "its time, by a microsecond",
    () => [`update assent.approval_votes set at = at + interval '1 microsecond' where ${vote(open, ann)}`],
    () => [`row_altered at ${nameOf(open, ann)}`],
  ],
  [
    "which approval it is on",
    () => [
      `update assent.approval_votes set approval_id = '${uuidOf(open.approval)}' where ${vote(given, bob)}`,
    ],
    () => [`row_added at ${nameOf(open, bob)}`, `row_removed at ${nameOf(given, bob)}`],
  ],
  [
    "a vote on an approval that there is not",
    () => [
      `insert into assent.approval_votes select tenant_id, '${NOBODY}', principal_id, action_digest, at
       from assent.approval_votes where ${vote(open, ann)}`,
    ],
    () => [`row_added at apr_${NOBODY.replaceAll("-", "")} vote of ${idOf(ann)}`],
  ],
  [
    "whose tenant's it is",
    () => [`update assent.approval_votes set tenant_id = '${NOBODY}' where ${vote(open, ann)}`],
    () => [`row_removed at ${nameOf(open, ann)}`],
  ],
];

test.each(VOTES)("is found of votes: %s", async (_, statements, findings) => {
  const found = foundIn(await stateAfter(engine, statements()));
  expect(found.filter((one) => one.includes("vote of")).toSorted()).toEqual(findings().toSorted());
});

/** Sets one column of one key's row. */
const set = (key: () => SigningKey | undefined, to: string) => (): readonly string[] => [
  `update assent.signing_keys set ${to} where id = '${uuidOfKey(key())}'`,
];
const altered = (key: () => SigningKey | undefined) => (): readonly string[] => [
  `row_altered at ${key()?.id ?? expect.unreachable()}`,
];

const KEYS: readonly Attack[] = [
  [
    "a public key put in the place of another",
    set(() => ed, String.raw`public_key = '\x${"07".repeat(32)}'`),
    altered(() => ed),
  ],
  ["an algorithm", set(() => ed, "algorithm = 'hmac-sha256'"), altered(() => ed)],
  ["whose key it is", set(() => ed, `principal_id = '${NOBODY}'`), altered(() => ed)],
  [
    "when it was created, by a microsecond",
    set(() => ed, "created_at = created_at + interval '1 microsecond'"),
    altered(() => ed),
  ],
  [
    "an end that was moved",
    set(() => ending, "expires_at = expires_at + interval '1 microsecond'"),
    altered(() => ending),
  ],
  ["an end that was taken away", set(() => ending, "expires_at = null"), altered(() => ending)],
  ["an end that there was not", set(() => ed, "expires_at = now() + interval '1 day'"), altered(() => ed)],
  [
    "the end of a key that was replaced",
    set(() => replaced, "expires_at = expires_at + interval '1 day'"),
    altered(() => replaced),
  ],
  [
    "a key that was revoked and is not any more",
    set(() => revoked, "revoked_at = null"),
    altered(() => revoked),
  ],
  ["a revocation that nobody recorded", set(() => ed, "revoked_at = now()"), altered(() => ed)],
  [
    "another id",
    set(() => ed, `id = '${NOBODY}'`),
    () => [
      `row_added at sgk_${NOBODY.replaceAll("-", "")}`,
      `row_removed at ${ed?.id ?? expect.unreachable()}`,
    ],
  ],
  [
    "another tenant",
    set(() => ed, `tenant_id = '${NOBODY}'`),
    () => [`row_removed at ${ed?.id ?? expect.unreachable()}`],
  ],
  [
    "a key that was put there",
    () => [
      `insert into assent.signing_keys (id, ${KEY_COLUMNS}) select '${NOBODY}', ${KEY_COLUMNS}
       from assent.signing_keys where id = '${uuidOfKey(ed)}'`,
    ],
    () => [`row_added at sgk_${NOBODY.replaceAll("-", "")}`],
  ],
  [
    "a key that is gone",
    () => [`delete from assent.signing_keys where id = '${uuidOfKey(ending)}'`],
    () => [`row_removed at ${ending?.id ?? expect.unreachable()}`],
  ],
];

test.each(KEYS)("is found of keys that requests are signed with: %s", async (_, statements, findings) => {
  expect(foundIn(await stateAfter(engine, statements())).toSorted()).toEqual(findings().toSorted());
});

const OLDER =
  "update assent.audit_facts set data = (data::jsonb - 'replaced_expires_at')::json where kind = 'signing_key_rotated'";

test("an older event does not say when a replaced key ends: that is no finding, and it is said of how many", async () => {
  const state = await stateAfter(engine, [OLDER]);
  expect(state.findings).toEqual([]);
  expect(state.signingKeys).toMatchObject({ held: 5, loose: 1 });
  // It ends after it was replaced all the same, and not never.
  for (const to of ["expires_at = null", "expires_at = created_at - interval '1 second'"])
    expect(foundIn(await stateAfter(engine, [OLDER, ...set(() => replaced, to)()]))).toEqual(
      altered(() => replaced)(),
    );
});

const erased = (kind: string): string =>
  `update assent.audit_facts set data = '{"erased":true}' where kind = '${kind}'`;

test("what an event said that was erased is no finding, and nothing else is excused by it", async () => {
  const created = await stateAfter(engine, [erased("signing_key_created")]);
  expect(created.findings).toEqual([]);
  expect(created.signingKeys).toMatchObject({ held: 1, erased: 4 });
  for (const kind of ["signing_key_revoked", "signing_key_rotated"]) {
    const { findings, signingKeys } = await stateAfter(engine, [erased(kind)]);
    expect(findings).toEqual([]);
    expect(signingKeys.erased).toBeGreaterThan(0);
  }
  const another = [erased("signing_key_revoked"), ...set(() => ed, "revoked_at = now()")()];
  expect(foundIn(await stateAfter(engine, another))).toEqual(altered(() => ed)());
});

test("of a run of whose approvals an event was erased no vote is held, and that is said", async () => {
  const state = await stateAfter(engine, [
    `update assent.audit_events set data = '{"erased":true}' where run_id = '${uuidOf(given.run)}' and kind = 'approval_opened'`,
  ]);
  expect(foundIn(state)).toEqual([]);
  expect(state).toMatchObject({ votes: 1 });
  expect(state.erased).toBeGreaterThan(0);
});
