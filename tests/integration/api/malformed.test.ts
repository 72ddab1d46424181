// "A hundred malformed requests of every kind: a 4xx problem document each, no 5xx, nothing written."
// Those that Node's parser already refuses are in wire.test.ts.

import { request as httpRequest } from "node:http";
import { PROBLEMS, type ProblemCode } from "@assent/contract";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  APPROVAL_ID,
  DIGEST,
  type Fixture,
  KEY_ID,
  KEYS,
  RUN,
  VALID_RUN_REQUEST,
  bearer,
  expectProblem,
  startApi,
} from "./support.ts";

let api: Fixture;
beforeAll(async () => {
  api = await startApi();
});
afterAll(async () => await api.server.close());

type Headers_ = Record<string, string | readonly string[]>;
type Bad = {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Headers_;
  readonly body?: string | Buffer;
  readonly code: ProblemCode;
};

type Answered = { readonly status: number; readonly headers: Headers; readonly body: string };

// Not fetch: it refuses to send much of what has to be sent here.
async function send(bad: Omit<Bad, "name" | "code">): Promise<Answered> {
  const headers: Record<string, string | string[]> = { ...bearer(KEYS.all) };
  for (const [name, value] of Object.entries(bad.headers ?? {}))
    headers[name] = typeof value === "string" ? value : [...value];
  const body = bad.body === undefined ? undefined : Buffer.from(bad.body);
  if (body !== undefined && !("content-length" in headers) && !("transfer-encoding" in headers))
    headers["content-length"] = String(body.length);
  return await new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        host: "127.0.0.1",
        port: api.port,
        method: bad.method ?? "GET",
        path: bad.path,
        headers,
        agent: false,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const received = new Headers();
          for (const [name, value] of Object.entries(answer.headers)) received.set(name, String(value));
          resolve({
            status: answer.statusCode ?? 0,
            headers: received,
            body: Buffer.concat(chunks).toString("utf8"),
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

async function expectRefused(bad: Bad): Promise<void> {
  api.harness.calls.length = 0;
  const answer = await send(bad);
  const document = expectProblem(answer, answer.body);
  expect(document).toMatchObject({ code: bad.code, status: PROBLEMS[bad.code].status });
  expect(document.status).toBeGreaterThanOrEqual(400);
  expect(document.status).toBeLessThan(500);
  expect(api.harness.calls).toEqual([]);
  expect(api.logs).toEqual([]);
}

const JSON_TYPE = { "content-type": "application/json" };
const SUBMIT = { ...JSON_TYPE, "idempotency-key": '"k"' };
const run = (body: string | Buffer, code: ProblemCode, name: string, headers: Headers_ = SUBMIT): Bad => ({
  name,
  method: "POST",
  path: "/api/harness/run",
  headers,
  body,
  code,
});
const runWith = (change: object): string => JSON.stringify({ ...VALID_RUN_REQUEST, ...change });
const VALID_BODY = runWith({});
const approve = (change: object): string =>
  JSON.stringify({ approval_id: APPROVAL_ID, decision: "approve", action_digest: DIGEST, ...change });
const key = (change: object): string =>
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

const QUERY_FAULTS: readonly string[] = [
  "limit=0",
  "limit=101",
  "limit=-1",
  "limit=1e1",
  "limit=0x10",
  "limit=%201",
  "limit=01",
  "limit=5.5",
  "limit=",
  "limit=NaN",
  "limit=5&limit=6",
  "status=done",
  "status=",
  "status=queued,",
  "status=queued,queued,queued,queued,queued,queued,queued,queued,queued,queued,queued,queued,queued,queued,queued,queued,queued",
  "status[]=queued",
  "agent=A",
  "agent=a&agent=b",
  "agent=..%2F..",
  "label=team",
  "label=:x",
  "label=a:%00",
  "label=a:b&label=c:d",
  `label=a:${"x".repeat(201)}`,
  "cursor=",
  "cursor=a%20b",
  "cursor=%0d%0aset-cookie:x",
  `cursor=${"x".repeat(1_025)}`,
  "offset=10",
  "__proto__=1",
  "constructor=1",
  "limit=%zz",
  "limit=%",
  "agent=%ff",
  "%",
  "=",
  "&",
];

const JSON_ROUTES = ["/api/harness/run", "/api/harness/approve", "/api/harness/keys"] as const;

const TABLE: readonly Bad[] = [
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
  ...QUERY_FAULTS.map((query): Bad => ({
    name: `the query ${query.slice(0, 40)}`,
    path: `/api/harness/runs?${query}`,
    code: "invalid_request",
  })),
  ...JSON_ROUTES.flatMap((path): Bad[] => [
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
  ]),
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
  { name: "a query to a run", path: `/api/harness/runs/${RUN}?expand=all`, code: "invalid_request" },
  { name: "a query to health", path: "/healthz?verbose", code: "invalid_request" },
  ...["after=-1", "after=x", "after=1&after=2", "after=1e3", "since=1"].map((query): Bad => ({
    name: `the events query ${query}`,
    path: `/api/harness/runs/${RUN}/events?${query}`,
    code: "invalid_request",
  })),
  ...["x", "-1", "1.5", "1,2", "9999999999999999"].map((id): Bad => ({
    name: `Last-Event-ID ${id}`,
    path: `/api/harness/runs/${RUN}/events`,
    headers: { "last-event-id": id, accept: "text/event-stream" },
    code: "invalid_request",
  })),
  ...[
    "text/html",
    "application/json;q=0",
    "*/*;q=0",
    "nonsense",
    "text/event-stream",
    "application/json;q=2",
  ].map((accept): Bad => ({
    name: `Accept: ${accept}`,
    path: "/api/harness/runs",
    headers: { accept },
    code: "not_acceptable",
  })),
  ...["text/html", "application/json;q=0, text/event-stream;q=0"].map((accept): Bad => ({
    name: `Accept: ${accept} for events`,
    path: `/api/harness/runs/${RUN}/events`,
    headers: { accept },
    code: "not_acceptable",
  })),
  ...[
    "/",
    "/api",
    "/api/harness",
    "/api/harness/",
    "/api/harness/run/",
    "/api/harness/Runs",
    "/API/HARNESS/RUNS",
    "/api/harness//runs",
    "/api//harness/runs",
    `/api/harness/runs/${RUN}/`,
    `/api/harness/runs/${RUN}/steps`,
    `/api/harness/runs/${RUN}/artifacts`,
    "/api/harness/../../etc/passwd",
    "/healthz/",
    "/openapi.yaml",
    "/favicon.ico",
    "/.env",
    `/api/harness/runs/${"x".repeat(1_000)}`,
    "/%2e%2e/%2e%2e/etc/passwd",
    "/api/harness/run;x=1",
  ].map((path): Bad => ({ name: `the path ${path.slice(0, 60)}`, path, code: "route_not_found" })),
  { name: "a run without an id", path: "/api/harness/runs/", code: "run_not_found" },
  ...["/%zz", "/api/harness/runs/%", "/api/harness/runs/%ff", "/api/harness/runs/%c0%af"].map(
    (path): Bad => ({ name: `the path ${path}`, path, code: "malformed_request" }),
  ),
  ...(
    [
      ["GET", "/api/harness/run"],
      ["PUT", "/api/harness/run"],
      ["PATCH", `/api/harness/runs/${RUN}`],
      ["POST", "/api/harness/runs"],
      ["DELETE", `/api/harness/runs/${RUN}`],
      ["GET", `/api/harness/runs/${RUN}/cancel`],
      ["POST", "/healthz"],
      ["TRACE", "/healthz"],
      ["PROPFIND", "/api/harness/keys"],
      ["QUERY", "/api/harness/runs"],
      ["GET", `/api/harness/keys/${KEY_ID}`],
      ["PUT", "/openapi.json"],
    ] as const
  ).map(([method, path]): Bad => ({ name: `${method} ${path}`, method, path, code: "method_not_allowed" })),
  ...["evil.example", "127.0.0.1.evil.example", "evil.example:4200", "127.0.0.2", "0.0.0.0", "[::2]"].map(
    (host): Bad => ({ name: `Host: ${host}`, path: "/healthz", headers: { host }, code: "host_not_allowed" }),
  ),
  ...["a b", "user@127.0.0.1", "127.0.0.1:99999999", "http://127.0.0.1", "127.0.0.1, evil.example"].map(
    (host): Bad => ({
      name: `Host: ${host}`,
      path: "/healthz",
      headers: { host },
      code: "malformed_request",
    }),
  ),
];

test("there are more than a hundred of them, each with a name of its own", () => {
  expect(TABLE.length).toBeGreaterThan(200);
  expect(new Set(TABLE.map(({ name }) => name)).size).toBe(TABLE.length);
});

describe("is refused, and reaches nothing", () => {
  test.each(TABLE.map((bad) => [bad.name, bad] as const))("%s", async (_, bad) => {
    await expectRefused(bad);
  });
});

test("a fault is named by its place, and what the caller made up is not repeated", async () => {
  const secret = "s3cr3t-t0ken";
  const body = JSON.stringify({
    agent: `X${secret}`,
    task: 5,
    labels: { [`A${secret}`]: "x", ok: 3 },
    [secret]: { [secret]: secret },
  });
  const answer = await send({ method: "POST", path: "/api/harness/run", headers: SUBMIT, body });
  const document = expectProblem(answer, answer.body);
  expect(answer.body).not.toContain(secret);
  expect(document.errors?.map(({ pointer }) => pointer).toSorted()).toEqual([
    "#",
    "#/agent",
    "#/labels",
    "#/labels",
    "#/task",
  ]);
  const nested = await send({
    method: "POST",
    path: "/api/harness/keys",
    headers: JSON_TYPE,
    body: key({ principal: { name: secret, kind: secret }, scopes: ["runs:read", secret] }),
  });
  expect(nested.body).not.toContain(secret);
  expect(
    expectProblem(nested, nested.body)
      .errors?.map(({ pointer }) => pointer)
      .toSorted(),
  ).toEqual(["#/principal/kind", "#/scopes/1"]);
});

test("a thousand faults do not make a large answer", async () => {
  const body = runWith({ labels: Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`A${n}`, n])) });
  const answer = await send({ method: "POST", path: "/api/harness/run", headers: SUBMIT, body });
  expect(expectProblem(answer, answer.body).errors?.length).toBeLessThanOrEqual(20);
  expect(answer.body.length).toBeLessThan(4_096);
});

test("405 and OPTIONS name the methods that there are", async () => {
  for (const [path, allow] of [
    ["/api/harness/run", "POST, OPTIONS"],
    ["/api/harness/runs", "GET, HEAD, OPTIONS"],
    ["/api/harness/keys", "POST, GET, HEAD, OPTIONS"],
    [`/api/harness/keys/${KEY_ID}`, "DELETE, OPTIONS"],
    ["/openapi.json", "GET, HEAD, OPTIONS"],
  ] as const) {
    expect((await send({ method: "PATCH", path })).headers.get("allow")).toBe(allow);
    const options = await send({ method: "OPTIONS", path });
    expect(options.status).toBe(204);
    expect(options.headers.get("allow")).toBe(allow);
    expect(options.headers.get("access-control-allow-origin")).toBeNull();
  }
  expect((await send({ method: "OPTIONS", path: "*" })).status).toBe(204);
});

test("a body of just 256 KiB is read", async () => {
  const padding = " ".repeat(256 * 1024 - VALID_BODY.length);
  const answer = await send({
    method: "POST",
    path: "/api/harness/run",
    headers: SUBMIT,
    body: VALID_BODY + padding,
  });
  expect(answer.status).toBe(202);
});

describe("whatever is sent, the answer is no 5xx and a problem unless it is a success", () => {
  const anyJson = fc.jsonValue({ maxDepth: 4 });
  // Near the schemas: the right names with anything behind them.
  const nearRun = fc.record(
    {
      agent: fc.oneof(fc.constant("maintainer"), anyJson),
      task: fc.oneof(fc.string(), anyJson),
      workspace: fc.oneof(fc.constant("main"), anyJson),
      model: fc.oneof(fc.constant("scripted/x"), anyJson),
      labels: fc.oneof(fc.dictionary(fc.string(), fc.oneof(fc.string(), anyJson)), anyJson),
    },
    { requiredKeys: [] },
  );
  const nearApproval = fc.record(
    {
      approval_id: fc.oneof(fc.constant(APPROVAL_ID), anyJson),
      decision: fc.oneof(fc.constantFrom("approve", "deny", "confirm"), anyJson),
      action_digest: fc.oneof(fc.constant(DIGEST), anyJson),
      arguments: anyJson,
      comment: fc.oneof(fc.string(), anyJson),
    },
    { requiredKeys: [] },
  );
  const nearKey = fc.record(
    {
      principal: fc.oneof(fc.record({ name: fc.string(), kind: fc.constantFrom("human", "x") }), anyJson),
      scopes: fc.oneof(fc.array(fc.constantFrom("runs:read", "x")), anyJson),
      expires_at: fc.oneof(fc.string(), anyJson),
    },
    { requiredKeys: [] },
  );

  const judge = (answer: Answered): void => {
    expect(answer.status).toBeLessThan(500);
    if (answer.status >= 400) expectProblem(answer, answer.body);
    else expect([200, 201, 202, 204, 304]).toContain(answer.status);
  };

  test.each([
    ["/api/harness/run", nearRun],
    ["/api/harness/approve", nearApproval],
    ["/api/harness/keys", nearKey],
  ] as const)("bodies of %s", async (path, near) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof<fc.Arbitrary<unknown>[]>(near, anyJson), async (value) => {
        judge(await send({ method: "POST", path, headers: SUBMIT, body: JSON.stringify(value) }));
      }),
      { seed: 42, numRuns: 150 },
    );
  });

  test("bytes as bodies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const answer = await send({
          method: "POST",
          path: "/api/harness/run",
          headers: SUBMIT,
          body: Buffer.from(bytes),
        });
        judge(answer);
      }),
      { seed: 42, numRuns: 150 },
    );
  });

  test("paths, queries and headers", async () => {
    const visible = fc.string({
      unit: fc.constantFrom(..."abz09%/?&=.,:;-_~!$'()*+@[]{}|\\^`\"<>".split("")),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("/api/harness/runs?", `/api/harness/runs/${RUN}/events?`, "/api/harness/runs/", "/"),
        visible,
        visible,
        async (prefix, rest, header) => {
          const headers = { "if-none-match": header, "last-event-id": header, "idempotency-key": header };
          judge(await send({ path: prefix + rest, headers: { ...headers, accept: "application/json" } }));
        },
      ),
      { seed: 42, numRuns: 300 },
    );
  });
});
