// What an idempotency key keeps of an answer, and what each repeat is told from it.

import { createHash } from "node:crypto";
import { PROBLEMS, type ProblemCode } from "@assent/contract";
import { expect, test } from "vitest";
import { err, ok } from "../base/result.ts";
import type { Caller, IdempotencyRecord } from "../ports.ts";
import { createAnswerSeal } from "./answer-seal.ts";
import type { Refusal } from "./harness.ts";
import { fingerprintOf, keptOf, keyOf, repeatOf, REUSED } from "./kept-answer.ts";

const seal = createAnswerSeal(new Uint8Array(32).fill(7), {
  bytes: (count) => new Uint8Array(count).fill(3),
});

const caller: Caller = {
  tenant: `ten_${"0".repeat(31)}1`,
  actor: { id: `prn_${"0".repeat(31)}2`, kind: "human", name: "anna" },
  key: null,
  scopes: [],
  roles: [],
  mustSign: false,
};
const other: Caller = { ...caller, actor: { ...caller.actor, id: `prn_${"0".repeat(31)}3` } };
const elsewhere: Caller = { ...caller, tenant: `ten_${"0".repeat(31)}9` };

const request = { route: "POST /api/harness/keys", key: "first", status: 201, secret: false };
const hidden = { ...request, secret: true };

const BODY = { name: "a" };
const fingerprint = fingerprintOf({ route: request.route, body: BODY });
const record = (kept: { readonly status: number; readonly body: string } | null): IdempotencyRecord => {
  if (kept === null) throw new Error("nothing was kept");
  return { ...kept, fingerprint, location: "/api/harness/keys/1" };
};

test("a key is its caller's, for one resource, and good for two days", () => {
  const now = new Date("2026-11-21T20:00:00.000Z");
  expect(keyOf(caller, request, now)).toEqual({
    principal: caller.actor.id,
    route: "POST /api/harness/keys",
    key: "first",
    expiresAt: new Date("2026-11-23T20:00:00.000Z"),
  });
});

test("what tells requests apart is route and body, however its members are ordered", () => {
  const of = (route: string, body: unknown): string => fingerprintOf({ route, body });
  expect(of("POST /a", { x: 1, y: [2] })).toBe(of("POST /a", { y: [2], x: 1 }));
  const different = [
    of("POST /a", { x: 1 }),
    of("POST /b", { x: 1 }),
    of("POST /a", { x: "1" }),
    of("POST /a", { x: 1, y: null }),
    of("POST /a", null),
    of("POST /a", [{ x: 1 }]),
  ];
  expect(new Set(different).size).toBe(different.length);
});

test("the fingerprint is of its own written form, which keys that are kept rest on", () => {
  const written = 'assent/request/v1\n{"body":{"name":"a"},"route":"POST /api/harness/keys"}';
  expect(fingerprint).toBe(`sha256:${createHash("sha256").update(written).digest("hex")}`);
});

test("a success is kept with its own status, and told again byte for byte", () => {
  const kept = keptOf(seal, caller, request, ok({ id: "1", more: [true] }));
  expect(kept).toEqual({ status: 201, body: '{"id":"1","more":[true]}' });
  expect(repeatOf(seal, caller, request, record(kept), fingerprint)).toEqual({
    answer: ok({ body: '{"id":"1","more":[true]}', location: "/api/harness/keys/1" }),
    replayed: true,
  });
});

test("a secret in it is kept sealed, and opens for the same request of the same caller alone", () => {
  const kept = record(keptOf(seal, caller, hidden, ok({ secret: "ask_hidden" })));
  expect(Buffer.from(kept.body, "base64").toString("latin1")).not.toContain("ask_hidden");
  expect(kept.body).not.toContain("ask_hidden");
  expect(repeatOf(seal, caller, hidden, kept, fingerprint).answer).toEqual(
    ok({ body: '{"secret":"ask_hidden"}', location: "/api/harness/keys/1" }),
  );
  for (const [who, what] of [
    [other, hidden],
    [elsewhere, hidden],
    [caller, { ...hidden, key: "second" }],
    [caller, { ...hidden, route: "POST /api/harness/signing-keys" }],
  ] as const)
    expect(() => repeatOf(seal, who, what, kept, fingerprint)).toThrow(
      "a kept answer was sealed by this installation for this very request",
    );
});

const CODES = Object.keys(PROBLEMS).filter((code): code is ProblemCode => Object.hasOwn(PROBLEMS, code));
const refusal = (code: ProblemCode): Refusal => ({ code, detail: `${code} it was` });

/** What the state of things decided; a repeat of anything else may be answered differently, and is judged anew. */
const KEPT = [404, 409, 410, 422];

test.each(CODES)("%s is kept exactly where the state of things decided it", (code) => {
  const { status } = PROBLEMS[code];
  const kept = keptOf(seal, caller, request, err(refusal(code)));
  if (!KEPT.includes(status)) {
    expect(kept).toBeNull();
    return;
  }
  expect(kept).toEqual({ status, body: JSON.stringify(refusal(code)) });
  expect(repeatOf(seal, caller, request, record(kept), fingerprint)).toEqual({
    answer: err(refusal(code)),
    replayed: true,
  });
});

test("each status that is kept is one that some refusal has", () => {
  const statuses = new Set<number>(Object.values(PROBLEMS).map(({ status }) => status));
  expect(KEPT.filter((status) => !statuses.has(status))).toEqual([]);
});

test("a refusal is told again with the places that it named, and is never sealed", () => {
  const named: Refusal = {
    ...refusal("run_not_found"),
    errors: [{ pointer: "/task", detail: "is too long" }],
  };
  const kept = record(keptOf(seal, caller, hidden, err(named)));
  expect(repeatOf(seal, caller, hidden, kept, fingerprint).answer).toEqual(err(named));
  const plain = record(keptOf(seal, caller, hidden, err(refusal("run_not_found"))));
  const { answer } = repeatOf(seal, caller, hidden, plain, fingerprint);
  expect(answer.ok ? {} : Object.keys(answer.error)).toEqual(["code", "detail"]);
});

test.each([
  "{}",
  '{"code":"no_such_code","detail":"x"}',
  '{"code":7,"detail":"x"}',
  '{"code":"run_not_found"}',
])("what is kept and is no refusal is not told as one: %s", (body) => {
  expect(() => repeatOf(seal, caller, request, record({ status: 404, body }), fingerprint)).toThrow(
    /code|detail/u,
  );
});

test.each([
  [399, true],
  [400, false],
])("from 400 on a kept answer is a refusal: %i", (status, isSuccess) => {
  const kept = record({ status, body: JSON.stringify(refusal("run_not_found")) });
  expect(repeatOf(seal, caller, request, kept, fingerprint).answer.ok).toBe(isSuccess);
});

test("another body under the same key gets nothing of the first answer", () => {
  const kept = record(keptOf(seal, caller, request, ok({ id: "1" })));
  const changed = fingerprintOf({ route: request.route, body: { name: "b" } });
  expect(repeatOf(seal, caller, request, kept, changed)).toEqual({ answer: err(REUSED), replayed: false });
  expect(REUSED).toEqual({
    code: "idempotency_key_reused",
    detail: "The first request under this key had another body. Nothing was done for this one.",
  });
});
