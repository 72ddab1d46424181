// Bodies, and the headers that speak of them.

import type { ProblemCode } from "@assent/contract";
import type { Sent } from "./client.ts";
import type { Bad } from "./malformed-requests.ts";
import { APPROVAL_ID, DIGEST, KEY_ID, RUN, VALID_RUN_REQUEST } from "./samples.ts";

export const JSON_TYPE = { "content-type": "application/json" };
export const SUBMIT = { ...JSON_TYPE, "idempotency-key": '"k"' };
const run = (
  body: string | Buffer,
  code: ProblemCode,
  name: string,
  headers: NonNullable<Sent["headers"]> = SUBMIT,
): Bad => ({
  name,
  method: "POST",
  path: "/api/harness/run",
  headers,
  body,
  code,
});
export const runWith = (change: object): string => JSON.stringify({ ...VALID_RUN_REQUEST, ...change });
export const VALID_BODY = runWith({});
const approve = (change: object): string =>
  JSON.stringify({ approval_id: APPROVAL_ID, decision: "approve", action_digest: DIGEST, ...change });
export const key = (change: object): string =>
  JSON.stringify({ principal: { name: "ci", kind: "service" }, scopes: ["runs:read"], ...change });

const NOT_JSON: readonly (readonly [string, string | Buffer])[] = [
  ["text", "hello"],
  ["half an object", '{"agent":"maintainer"'],
  ["single quotes", "{'agent':'maintainer'}"],
  ["a trailing comma", '{"agent":"maintainer",}'],
  ["a comment", '/* */{"agent":"maintainer"}'],
  ["garbage behind", `${VALID_BODY} x`],
  ["two documents", VALID_BODY + VALID_BODY],
  ["a byte order mark", Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(VALID_BODY)])],
  ["UTF-16", Buffer.from(VALID_BODY, "utf16le")],
  [
    "bytes that are not UTF-8",
    Buffer.concat([Buffer.from('{"agent":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
  ],
  [
    "an overlong encoding",
    Buffer.concat([Buffer.from('{"agent":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
  ],
  [
    "a surrogate in UTF-8",
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
  ],
  ["a raw control character", '{"agent":"main\u0001tainer"}'],
  ["NaN", '{"agent":NaN}'],
  ["a form", "agent=maintainer&task=x"],
  ["XML", "<agent/>"],
  ["a duplicate key", '{"agent":"maintainer","task":"x","task":"y"}'],
  ["a duplicate key, spelled otherwise", String.raw`{"agent":"maintainer","task":"x","\u0074ask":"y"}`],
  ["a duplicate key further in", '{"agent":"maintainer","task":"x","labels":{"a":"1","a":"2"}}'],
  ["__proto__", '{"agent":"maintainer","task":"x","__proto__":{"model":"a/b"}}'],
  ["__proto__, spelled otherwise", String.raw`{"agent":"maintainer","task":"x","__pr\u006fto__":{}}`],
  ["constructor.prototype", '{"agent":"maintainer","task":"x","constructor":{"prototype":{}}}'],
  ["a lone surrogate", String.raw`{"agent":"maintainer","task":"\ud800"}`],
  ["a NUL", String.raw`{"agent":"maintainer","task":"a\u0000b"}`],
  ["1e999", '{"agent":"maintainer","task":1e999}'],
  ["33 levels", `{"a":${"[".repeat(32)}${"]".repeat(32)}}`],
  ["100,000 levels", "[".repeat(100_000) + "]".repeat(100_000)],
];

const RUN_FAULTS: readonly (readonly [string, string])[] = [
  ["null", "null"],
  ["an array", "[]"],
  ["a string", '"maintainer"'],
  ["a number", "1"],
  ["an empty object", "{}"],
  ["no task", '{"agent":"maintainer"}'],
  ["no agent", '{"task":"x"}'],
  ["an empty task", runWith({ task: "" })],
  ["a task of another type", runWith({ task: 7 })],
  ["a null task", runWith({ task: null })],
  ["a task of 20,001 characters", runWith({ task: "x".repeat(20_001) })],
  ["an agent with a path in it", runWith({ agent: "../etc" })],
  ["an agent with a capital", runWith({ agent: "Maintainer" })],
  ["an agent with a quote", runWith({ agent: "a'; drop table runs; --" })],
  ["an agent of 64 characters", runWith({ agent: "a".repeat(64) })],
  ["an agent with a line break", runWith({ agent: "maintainer\n" })],
  ["a workspace that is a path", runWith({ workspace: "/etc/passwd" })],
  ["a workspace that is an object", runWith({ workspace: {} })],
  ["a model without a provider", runWith({ model: "gpt" })],
  ["a model with blanks", runWith({ model: "a/b c" })],
  ["an unknown member", runWith({ admin: true })],
  ["the tenant", runWith({ tenant: "ten_1" })],
  ["labels that are a list", runWith({ labels: ["a"] })],
  ["a label that is a number", runWith({ labels: { a: 1 } })],
  ["a label with a bad name", runWith({ labels: { "A B": "x" } })],
  ["a label that is too long", runWith({ labels: { a: "x".repeat(201) } })],
  [
    "17 labels",
    runWith({ labels: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`a${n}`, "x"])) }),
  ],
];

const KEY_FAULTS: readonly (readonly [string, string | readonly string[]])[] = [
  ["of 256 characters", "k".repeat(256)],
  ["of 256 characters in quotes", `"${"k".repeat(256)}"`],
  ["with a blank", "a b"],
  ["with an open quote", '"abc'],
  ["with a quote inside", 'a"b'],
  ["that is an empty string", '""'],
  ["with parameters", '"a";b=1'],
  ["with a bad escape", String.raw`"a\n"`],
  ["beyond ASCII", "\u00e9"],
  ["that is a list", '"a", "b"'],
];

const APPROVE_FAULTS: readonly (readonly [string, string])[] = [
  ["no digest", approve({ action_digest: undefined })],
  ["a digest of another kind", approve({ action_digest: `sha512:${"0".repeat(64)}` })],
  ["a short digest", approve({ action_digest: "sha256:00" })],
  ["an unknown decision", approve({ decision: "maybe" })],
  ["no decision", approve({ decision: undefined })],
  ["a denial without a reason", JSON.stringify({ approval_id: APPROVAL_ID, decision: "deny" })],
  ["a denial with a digest", approve({ decision: "deny", comment: "no" })],
  ["an id of another kind", approve({ approval_id: RUN })],
  ["arguments that are a list", approve({ arguments: [] })],
  ["an empty comment", approve({ comment: "" })],
  ["a comment of 2,001 characters", approve({ comment: "x".repeat(2_001) })],
  ["who decided", approve({ decided_by: "me" })],
];

const CREATE_KEY_FAULTS: readonly (readonly [string, string])[] = [
  ["no scopes", key({ scopes: [] })],
  ["an unknown scope", key({ scopes: ["root"] })],
  ["a scope twice", key({ scopes: ["runs:read", "runs:read"] })],
  ["an agent as its principal", key({ principal: { name: "ci", kind: "agent" } })],
  ["a principal with markup", key({ principal: { name: "<b>", kind: "human" } })],
  ["an expiry that is no time", key({ expires_at: "tomorrow" })],
  ["an expiry without a zone", key({ expires_at: "2027-01-01T00:00:00" })],
  ["its own secret", key({ secret: "assent_x" })],
];

const JSON_ROUTES = ["/api/harness/run", "/api/harness/approve", "/api/harness/keys"] as const;

const withoutJson = (path: string): Bad[] => [
  {
    name: `no body to ${path}`,
    method: "POST",
    path,
    headers: { "idempotency-key": "k" },
    code: "invalid_request",
  },
  {
    name: `an empty JSON body to ${path}`,
    method: "POST",
    path,
    headers: SUBMIT,
    body: "",
    code: "invalid_request",
  },
  ...[
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "nonsense",
    "text/json",
  ].map((type): Bad => ({
    name: `${type} to ${path}`,
    method: "POST",
    path,
    headers: { "content-type": type, "idempotency-key": "k" },
    body: VALID_BODY,
    code: "unsupported_media_type",
  })),
  {
    name: `a body without a type to ${path}`,
    method: "POST",
    path,
    headers: { "idempotency-key": "k" },
    body: VALID_BODY,
    code: "unsupported_media_type",
  },
  {
    name: `another charset to ${path}`,
    method: "POST",
    path,
    headers: { "content-type": "application/json; charset=utf-16", "idempotency-key": "k" },
    body: VALID_BODY,
    code: "malformed_json",
  },
  {
    name: `a compressed body to ${path}`,
    method: "POST",
    path,
    headers: { ...SUBMIT, "content-encoding": "gzip" },
    body: VALID_BODY,
    code: "unsupported_media_type",
  },
];

const withTooMuch = (path: string): Bad[] => [
  {
    name: `a body of 256 KiB and a byte to ${path}`,
    method: "POST",
    path,
    headers: SUBMIT,
    body: `"${"x".repeat(256 * 1024 - 1)}"`,
    code: "body_too_large",
  },
  {
    name: `chunks without end to ${path}`,
    method: "POST",
    path,
    headers: { ...SUBMIT, "transfer-encoding": "chunked" },
    body: `"${"x".repeat(300 * 1024)}"`,
    code: "body_too_large",
  },
  {
    name: `an unknown query to ${path}`,
    method: "POST",
    path: `${path}?dry_run=1`,
    headers: SUBMIT,
    body: VALID_BODY,
    code: "invalid_request",
  },
];

export const MALFORMED_BODIES: readonly Bad[] = [
  ...NOT_JSON.map(([name, body]) => run(body, "malformed_json", `a body with ${name}`)),
  ...RUN_FAULTS.map(([name, body]) => run(body, "invalid_request", `a run with ${name}`)),
  ...KEY_FAULTS.map(([name, value]) =>
    run(VALID_BODY, "invalid_request", `an idempotency key ${name}`, {
      ...JSON_TYPE,
      "idempotency-key": value,
    }),
  ),
  run(VALID_BODY, "idempotency_key_missing", "no idempotency key", JSON_TYPE),
  run(VALID_BODY, "idempotency_key_missing", "an empty idempotency key", {
    ...JSON_TYPE,
    "idempotency-key": "",
  }),
  run(VALID_BODY, "malformed_request", "two idempotency keys", {
    ...JSON_TYPE,
    "idempotency-key": ["a", "b"],
  }),
  ...APPROVE_FAULTS.map(([name, body]): Bad => ({
    name: `a decision with ${name}`,
    method: "POST",
    path: "/api/harness/approve",
    headers: JSON_TYPE,
    body,
    code: "invalid_request",
  })),
  ...CREATE_KEY_FAULTS.map(([name, body]): Bad => ({
    name: `a key with ${name}`,
    method: "POST",
    path: "/api/harness/keys",
    headers: JSON_TYPE,
    body,
    code: "invalid_request",
  })),
  ...JSON_ROUTES.flatMap(withoutJson),
  ...JSON_ROUTES.flatMap(withTooMuch),
  {
    name: "a body to a cancellation",
    method: "POST",
    path: `/api/harness/runs/${RUN}/cancel`,
    headers: JSON_TYPE,
    body: '{"force":true}',
    code: "invalid_request",
  },
  {
    name: "an array to a cancellation",
    method: "POST",
    path: `/api/harness/runs/${RUN}/cancel`,
    headers: JSON_TYPE,
    body: "[]",
    code: "invalid_request",
  },
  {
    name: "null to a cancellation",
    method: "POST",
    path: `/api/harness/runs/${RUN}/cancel`,
    headers: JSON_TYPE,
    body: "null",
    code: "invalid_request",
  },
  {
    name: "a GET with a body",
    path: "/api/harness/runs",
    headers: JSON_TYPE,
    body: "{}",
    code: "invalid_request",
  },
  {
    name: "a DELETE with a body",
    method: "DELETE",
    path: `/api/harness/keys/${KEY_ID}`,
    headers: JSON_TYPE,
    body: "{}",
    code: "invalid_request",
  },
];
