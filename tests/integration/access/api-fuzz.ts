// Requests made from the served OpenAPI document: near what it describes, and beside it. The same at two sizes: some
// hundred in the gate, 10,000 in the night.

import { randomUUID } from "node:crypto";
import { request as httpRequest } from "node:http";
import fc from "fast-check";
import { expect } from "vitest";
import { keptEvidence, logPorts, scratchFolder } from "../../support/tenant-log.ts";
import { type Edge, openEdge } from "./support.ts";

/** With everything that the document describes behind it, the evidence as well. */
export async function openFuzzed(): Promise<Edge> {
  const folder = scratchFolder();
  const edge = await openEdge({}, ({ database }) => {
    const ports = logPorts(database, folder.path);
    return keptEvidence(ports);
  });
  return {
    ...edge,
    [Symbol.asyncDispose]: async () => {
      await edge[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

type Schema = Readonly<Record<string, unknown>>;

type Parameter = { readonly name: string; readonly in: string; readonly schema: Schema };
export type Described = {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | null;
  readonly statuses: ReadonlySet<number>;
  readonly open: boolean;
};

const isObject = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const objectOf = (value: unknown): Schema => (isObject(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export function readDocument(document: unknown): {
  readonly operations: readonly Described[];
  readonly schemas: Schema;
} {
  const root = objectOf(document);
  const schemas = objectOf(objectOf(root["components"])["schemas"]);
  const operations = Object.entries(objectOf(root["paths"])).flatMap(([path, methods]) =>
    Object.entries(objectOf(methods)).map(([method, found]): Described => {
      const operation = objectOf(found);
      const content = objectOf(objectOf(operation["requestBody"])["content"]);
      const body = objectOf(content["application/json"])["schema"];
      return {
        method: method.toUpperCase(),
        path,
        parameters: listOf(operation["parameters"]).map((one) => {
          const parameter = objectOf(one);
          return {
            name: String(parameter["name"]),
            in: String(parameter["in"]),
            schema: objectOf(parameter["schema"]),
          };
        }),
        body: isObject(body) ? body : null,
        statuses: new Set(Object.keys(objectOf(operation["responses"])).map(Number)),
        open: Array.isArray(operation["security"]) && operation["security"].length === 0,
      };
    }),
  );
  return { operations, schemas };
}

const NASTY: readonly string[] = [
  "",
  " ",
  "\0",
  "'; drop table assent.runs; --",
  "../../etc/passwd",
  "__proto__",
  "%00",
  "\u{1F600}",
  "a".repeat(3_000),
  "null",
  "-1",
  "1e309",
  "\ud800",
  "\ufffe",
  "2147483648",
  "9007199254740991",
];

/** Where what the database holds, what a number holds exactly, and what a schema says differ. */
const EDGES: readonly number[] = [2 ** 31 - 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER];

/** Fields that no operation, or not this one, describes; and those of others with values that are none. */
const FIELDS: readonly (readonly [string, readonly string[]])[] = [
  ["content-type", ["text/plain", "application/json; charset=utf-16", "application/merge-patch+json", "x"]],
  ["content-encoding", ["gzip", "identity", ""]],
  ["expect", ["100-continue", "x"]],
  ["accept", ["text/event-stream", "application/json;q=0", ";;", "text/html, */*;q=0.1"]],
  ["range", ["bytes=0-0", "bytes=5-1", "x"]],
  ["if-match", ["*", '"x"', "x", '"']],
  ["if-none-match", ["*", 'W/"x"', ",,", '"']],
  ["last-event-id", ["0", "2147483647", "2147483648", "999999999999999", "-0", "1e3"]],
  ["content-digest", ["sha-256=:AAAA:", "x"]],
  ["signature", ["sig1=:AAAA:", "sig1=:A:", "x"]],
  [
    "signature-input",
    [
      'sig1=("@method");created=1',
      "((",
      "sig1=?1",
      'sig1=("@status")',
      "sig1=();created=99999999999999999999",
    ],
  ],
  ["traceparent", ["x", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`]],
  ["connection", ["upgrade"]],
  ["upgrade", ["websocket", "h2c"]],
  ["x-http-method-override", ["DELETE"]],
];
const fields = fc
  .tuple(
    ...FIELDS.map(([name, values]) =>
      fc.option(
        fc.constantFrom(...values).map((value) => [name, value]),
        { freq: 12 },
      ),
    ),
  )
  .map((some) => {
    // Mostly none, each now and then.
    const given = some.filter((one) => one !== null);
    return given.length > 3 ? given.slice(0, 3) : given;
  });
const HEX = "0".repeat(32);

/** What fits the schema now and then, and what does not. */
function valueOf(schema: Schema, schemas: Schema, depth: number): fc.Arbitrary<unknown> {
  const wild = fc.oneof(
    fc.constantFrom<unknown>(...NASTY, null, true, [], {}, 0, -1, 1e21),
    fc.jsonValue({ maxDepth: 2 }),
  );
  return fc.oneof({ weight: 6, arbitrary: fitting(schema, schemas, depth) }, { weight: 1, arbitrary: wild });
}

function fitting(schema: Schema, schemas: Schema, depth: number): fc.Arbitrary<unknown> {
  const ref = schema["$ref"];
  if (typeof ref === "string")
    return depth > 6
      ? fc.constant(null)
      : fitting(objectOf(schemas[ref.split("/").at(-1) ?? ""]), schemas, depth + 1);
  if ("const" in schema) return fc.constant(schema["const"]);
  const choices = listOf(schema["enum"]);
  if (choices.length > 0) return fc.constantFrom(...choices);
  const options = [...listOf(schema["anyOf"]), ...listOf(schema["oneOf"])].map(objectOf);
  if (options.length > 0) return fc.oneof(...options.map((option) => fitting(option, schemas, depth + 1)));
  switch (schema["type"]) {
    case "object":
      return objectLike(schema, schemas, depth);
    case "array":
      return fc.array(valueOf(objectOf(schema["items"]), schemas, depth + 1), { maxLength: 3 });
    case "integer":
    case "number":
      return fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: -2, max: 200 }) },
        { weight: 2, arbitrary: fc.constantFrom(...EDGES) },
      );
    case "boolean":
      return fc.boolean();
    default:
      return textLike(schema);
  }
}

function textLike(schema: Schema): fc.Arbitrary<unknown> {
  if (schema["format"] === "date-time")
    return fc.constantFrom("2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
  if (typeof schema["pattern"] === "string" && schema["pattern"].length < 500)
    return fc.oneof(
      fc.constantFrom(`run_${HEX}`, `key_${HEX}`, `sha256:${HEX}${HEX}`),
      fc.string({ maxLength: 40 }),
    );
  return fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom("tester", "read", "ci", ...NASTY));
}

function objectLike(schema: Schema, schemas: Schema, depth: number): fc.Arbitrary<unknown> {
  const members = Object.entries(objectOf(schema["properties"]));
  const required = listOf(schema["required"]).map(String);
  if (depth > 6 || members.length === 0)
    return fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 });
  const shape = Object.fromEntries(
    members.map(([name, member]) => [name, valueOf(objectOf(member), schemas, depth + 1)]),
  );
  // Nearly always whole: a request that lacks a member says nothing about what lies behind validation.
  return fc.oneof(
    { weight: 8, arbitrary: fc.record(shape, { requiredKeys: required }) },
    { weight: 1, arbitrary: fc.record(shape, { requiredKeys: [] }) },
  );
}

export type FuzzedRequest = {
  readonly operation: Described;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly credential: number;
};

export function requests(
  document: unknown,
  ids: readonly string[],
  credentials: number,
): fc.Arbitrary<FuzzedRequest> {
  const { operations, schemas } = readDocument(document);
  return fc.constantFrom(...operations).chain((operation) => {
    const values = fc.tuple(...operation.parameters.map(({ schema }) => valueOf(schema, schemas, 0)));
    const body = operation.body === null ? fc.constant(null) : valueOf(operation.body, schemas, 0);
    const id = fc.oneof(
      fc.constantFrom(...ids),
      fc.constantFrom(...NASTY.filter((text) => text !== "" && text.length < 300)),
    );
    return fc
      .record({
        values,
        body,
        id,
        credential: fc.nat({ max: credentials - 1 }),
        given: fc.boolean(),
        fields: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fields }),
      })
      .map((made) => {
        const query = new URLSearchParams();
        // Logs and versions are numbers.
        const isNumber = /\{(?:epoch|version)\}/.test(operation.path);
        const headers: Record<string, string> = {};
        let path = operation.path;
        operation.parameters.forEach((parameter, at) => {
          const value = made.values[at];
          const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
          if (parameter.in === "path")
            path = path.replace(
              `{${parameter.name}}`,
              encodeURIComponent(
                isNumber && parameter.name !== "id" && made.given ? "1" : made.id.toWellFormed(),
              ),
            );
          else if (parameter.in === "query" && made.given) query.set(parameter.name, text);
          else if (parameter.in === "header")
            headers[parameter.name.toLowerCase()] =
              parameter.name === "Idempotency-Key" && made.given
                ? randomUUID()
                : text.replaceAll(/[^\x21-\x7e]/g, "_").slice(0, 300);
        });
        const search = query.size === 0 ? "" : `?${query.toString()}`;
        if (operation.body !== null) headers["content-type"] = "application/json";
        return {
          operation,
          target: path + search,
          headers: { ...headers, ...Object.fromEntries(made.fields) },
          body: operation.body === null ? null : JSON.stringify(made.body),
          credential: made.credential,
        };
      });
  });
}

export async function fuzz(edge: Edge, count: number, seed: number): Promise<ReadonlyMap<number, number>> {
  const { engine } = edge;
  const reader = await engine.newKey("fuzz-reader", "default", { scopes: ["runs:read"] });
  const stranger = await engine.newKey("fuzz-stranger", "fuzzed", { roles: ["admin"] });
  const admin = await engine.newKey("fuzz-admin", "default", { roles: ["admin"] });
  const run = await engine.submit();
  // The last of them may change things; all others may not, so what they leave behind is looked at.
  const credentials = [
    null,
    "Bearer garbage",
    `Bearer ask_${"A".repeat(43)}`,
    `Bearer ${reader}`,
    `Bearer ${stranger}`,
  ];
  const served = await fetch(`${edge.urls[0]}/openapi.json`, {
    headers: { authorization: `Bearer ${admin}` },
  });
  const document: unknown = await served.json();
  const ids = [run, `run_${HEX}`, `key_${HEX}`, `doc_${HEX}`, `act_${HEX}`, `sha256:${HEX}${HEX}`, "1", "x"];
  const statuses = new Map<number, number>();
  const ofTenant = async (): Promise<string> => await digestOfTenant(edge, engine.tenant.slice(4));
  const judge = async (made: FuzzedRequest, authorization: string | null): Promise<void> => {
    const status = await send(edge, made, authorization);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const said = `${made.operation.method} ${made.target.slice(0, 200)} ${made.body?.slice(0, 500) ?? ""}: ${status}`;
    // 503 is announced load; nothing here makes any but the cap on open event streams.
    if (status >= 500 && status !== 503) throw new Error(`a fault of the server: ${said}`);
    // A path that a nasty id has changed into another is not the operation's.
    if (!made.operation.statuses.has(status) && status !== 404)
      throw new Error(`not in the document: ${said}`);
    const mayPass =
      made.operation.open || authorization === credentials[3] || authorization === credentials[4];
    if (status < 300 && !mayPass && authorization !== `Bearer ${admin}`) throw new Error(`let in: ${said}`);
  };
  const before = await ofTenant();
  await fc.assert(
    fc.asyncProperty(requests(document, ids, credentials.length), async (made) => {
      await judge(made, credentials[made.credential] ?? null);
    }),
    { seed, numRuns: Math.floor(count / 2), endOnFailure: true },
  );
  expect(await ofTenant()).toBe(before);
  // Its own evidence can be looked at, and erased from, too.
  if (edge.evidence !== null) await edge.evidence.waitForCover(engine.tenant, run);
  await fc.assert(
    fc.asyncProperty(requests(document, ids, 1), async (made) => {
      await judge(made, `Bearer ${admin}`);
    }),
    { seed: seed + 1, numRuns: Math.ceil(count / 2), endOnFailure: true },
  );
  return statuses;
}

// Everything of the tenant that no request without permission may touch.
async function digestOfTenant(edge: Edge, tenant: string): Promise<string> {
  const pool = edge.engine.database.ownerPool();
  const parts: string[] = [];
  for (const table of [
    "runs",
    "approvals",
    "documents",
    "signing_keys",
    "idempotency_keys",
    "harmony_resolutions",
  ]) {
    const { rows } = await pool.query<{ digest: string }>(
      `select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as digest from assent.${table} t
       where tenant_id = $1`,
      [tenant],
    );
    parts.push(`${table} ${rows[0]?.digest}`);
  }
  return parts.join("\n");
}

async function send(
  edge: Edge,
  { operation, target, headers, body }: FuzzedRequest,
  authorization: string | null,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const outgoing = httpRequest(
    edge.urls[0] + target,
    {
      method: operation.method,
      agent: false,
      headers: {
        ...headers,
        ...(authorization === null ? {} : { authorization }),
        ...(body === null ? {} : { "content-length": String(Buffer.byteLength(body)) }),
      },
    },
    (answer) => {
      resolve(answer.statusCode ?? 0);
      // Streams would go on.
      answer.destroy();
    },
  );
  outgoing.on("error", reject);
  outgoing.end(body ?? undefined);
  return await promise;
}
