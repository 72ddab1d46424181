// The OpenAPI 3.1 document, from the very rows and schemas that the server registers and validates with.

import { SERVICE_VERSION } from "../base/version.ts";
import {
  PROBLEMS,
  type ProblemCode,
  type RequestHeader,
  type ResponseHeader,
  ROUTES,
  WEBHOOK_MESSAGES,
  type RouteRow,
  problemSchema,
  isMutating,
  scopeOf,
} from "@assent/contract";
import { z } from "zod";

import { IDEMPOTENCY_KEY_CHARS_MAX, IDEMPOTENCY_RETENTION_HOURS } from "../base/limits.ts";
import { IDEMPOTENCY_KEY_PATTERN } from "./idempotency-key.ts";

type JsonObject = Record<string, unknown>;

type Header = { readonly description: string; readonly schema: JsonObject };

type Response = {
  readonly description: string;
  readonly headers: Readonly<Record<string, Header>>;
  readonly content?: Readonly<Record<string, { readonly schema: JsonObject }>>;
};

type Parameter = {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonObject;
  readonly example?: string;
};

type Operation = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly security?: readonly JsonObject[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: JsonObject;
  readonly responses: Readonly<Record<string, Response>>;
};

/** As much of an OpenAPI document as ours has. */
export type OpenApiDocument = {
  readonly openapi: string;
  readonly info: JsonObject;
  readonly servers: readonly JsonObject[];
  readonly security: readonly JsonObject[];
  readonly tags: readonly JsonObject[];
  /** By path, then by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  /** What is sent to others, by its type. */
  readonly webhooks: Readonly<Record<string, { readonly post: Omit<Operation, "security" | "tags"> }>>;
  readonly components: {
    readonly securitySchemes: JsonObject;
    readonly schemas: Readonly<Record<string, JsonObject>>;
  };
};

const TAGS: Readonly<Record<RouteRow["tag"], string>> = {
  runs: "Tasks carried out by agents: submit, follow, cancel, fetch what came of them.",
  approvals: "A person's decision on one exact action.",
  documents: "What agents of a tenant may search; whatever is in them is data.",
  keys: "Who may use this API, and for what.",
  webhooks: "Where a tenant is told of what happens.",
  audit: "The evidence: logs, checkpoints, entries and proofs that are verified offline.",
  service: "The service itself.",
};

const REQUEST_HEADERS: Readonly<Record<RequestHeader, Omit<Parameter, "name" | "in">>> = {
  "Idempotency-Key": {
    required: true,
    description:
      `The caller's own name for this one logical request, 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} visible characters, as a ` +
      "Structured Field string or bare. Repeating the request with the same key and body gives the first answer again; " +
      `another body is refused with 422, and 409 says that the first is not answered yet. Answers are kept for repeats, ` +
      "but for those of status 400, 401, 403, 413, 429 and 5xx. " +
      `Keys are the principal's own, good for one method and path, and expire after ${IDEMPOTENCY_RETENTION_HOURS} hours, at the earliest.`,
    schema: {
      type: "string",
      pattern: IDEMPOTENCY_KEY_PATTERN,
      maxLength: 2 * IDEMPOTENCY_KEY_CHARS_MAX + 2,
    },
    example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
  },
  "If-None-Match": {
    required: false,
    description: "Entity tags that the caller has; when the present one is among them, the answer is 304.",
    schema: { type: "string" },
  },
  "Last-Event-ID": {
    required: false,
    description:
      "Version of the last event that was received; the stream goes on after it. Wins over `after`.",
    schema: { type: "string", pattern: "^(?:0|[1-9][0-9]{0,9})$" },
  },
};

const RESPONSE_HEADERS: Readonly<Record<ResponseHeader | "X-Request-Id", [string, JsonObject]>> = {
  Location: ["Path of what the answer is about.", { type: "string", format: "uri-reference" }],
  "Idempotent-Replayed": ["`true` when this is the stored answer to an earlier request.", { const: "true" }],
  ETag: ["Names this state of the resource.", { type: "string" }],
  Link: ['The next page, as `rel="next"`, where there is one.', { type: "string" }],
  "Content-Disposition": ["The artifact's name; always `attachment`.", { type: "string" }],
  "Content-Digest": ["SHA-256 of the bytes, RFC 9530.", { type: "string" }],
  RateLimit: [
    "What is left of each quota (`r`), and after how many seconds it is whole again (`t`); a structured list.",
    { type: "string" },
  ],
  "RateLimit-Policy": [
    "The caller's quotas: so many requests (`q`) in so many seconds (`w`); a structured list.",
    { type: "string" },
  ],
  "X-Request-Id": ["Names this request in the server's log.", { type: "string" }],
};

const RETRY_AFTER: Record<string, Header> = {
  "Retry-After": header("Seconds to wait before trying again.", { type: "integer", minimum: 0 }),
};

const PROBLEM_HEADERS: Readonly<Record<number, Record<string, Header>>> = {
  401: { "WWW-Authenticate": header("How to authenticate: `Bearer`.", { type: "string" }) },
  429: { ...headersOf(["RateLimit", "RateLimit-Policy"]), ...RETRY_AFTER },
  503: RETRY_AFTER,
};

/** What an answer without a body says beside its status. */
const EMPTY_HEADERS: Readonly<Record<string, readonly ResponseHeader[]>> = {
  304: ["ETag"],
  308: ["Location"],
};

/** What any request with a credential can be refused with. */
const IDENTIFIED: readonly ProblemCode[] = [
  "unauthenticated",
  "signature_missing",
  "signature_refused",
  "quota_exceeded",
];

/** What any request can be answered with, and what any request with a key can. */
const COMMON_PROBLEMS: readonly ProblemCode[] = [
  "malformed_request",
  "invalid_request",
  "not_acceptable",
  "request_timeout",
  "expectation_failed",
  // A body that a request has no use for is looked at as any other: what it is said to be, it cannot be.
  "unsupported_media_type",
  "host_not_allowed",
  "headers_too_large",
  "internal_error",
  "not_ready",
];

export function generateOpenApi(): OpenApiDocument {
  const rows: readonly RouteRow[] = Object.values(ROUTES);
  const schemas = new SchemaNames(rows);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const row of rows)
    paths[row.path] = { ...paths[row.path], [row.method.toLowerCase()]: operation(row, schemas) };
  return {
    openapi: "3.1.1",
    info: {
      title: "Assent",
      version: SERVICE_VERSION,
      description:
        "A self-hosted harness that runs AI agents which act only with assent: by policy, by precedent, or by a person.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The server that this document was read from." }],
    security: [{ key: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    webhooks: Object.fromEntries(
      Object.entries(WEBHOOK_MESSAGES).map(([type, message]) => [
        type,
        { post: sent(type, message, schemas) },
      ]),
    ),
    components: {
      securitySchemes: {
        key: {
          type: "http",
          scheme: "bearer",
          description:
            "A key made with `assent keys create`, or a token of an identity provider that the configuration names; each operation says which scope it needs.",
        },
      },
      schemas: schemas.components,
    },
  };
}

/** JSON Schema of everything that has an id, as components, and of anything else with references to them. */
class SchemaNames {
  readonly components: Record<string, JsonObject>;

  constructor(rows: readonly RouteRow[]) {
    const bodies = rows.flatMap((row) => [
      ...Object.values(row.success.content),
      ...(row.body === undefined ? [] : [row.body]),
    ]);
    const all = toJsonSchema(z.union([problemSchema, ...bodies]), "output");
    const named = all["$defs"];
    this.components = Object.fromEntries(
      Object.entries(isObject(named) ? named : {}).map(([id, schema]) => [id, withoutIdentity(schema)]),
    );
  }

  /** @param io whether the schema describes what comes in, as text still, or what goes out */
  of(schema: z.ZodType, io: "input" | "output"): JsonObject {
    const id = schema.meta()?.id;
    if (id !== undefined) return { $ref: `#/components/schemas/${id}` };
    return withoutIdentity(toJsonSchema(schema, io));
  }
}

function toJsonSchema(schema: z.ZodType, io: "input" | "output"): JsonObject {
  const json = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io,
    unrepresentable: "any",
    // zod's pattern for a date and time has 300 characters and says no more than the format does.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    },
  });
  const placed: unknown = JSON.parse(JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/'));
  return isObject(placed) ? placed : {};
}

function withoutIdentity(schema: unknown): JsonObject {
  const { id: _id, $id: _$id, $schema: _$schema, $defs: _$defs, ...rest } = isObject(schema) ? schema : {};
  return rest;
}

function operation(row: RouteRow, schemas: SchemaNames): Operation {
  const parameters = [
    ...parametersOf(row.params, "path", schemas),
    ...parametersOf(row.query, "query", schemas),
    ...[...(isMutating(row) ? ["Idempotency-Key" as const] : []), ...(row.requestHeaders ?? [])].map(
      (name) => ({
        name,
        in: "header" as const,
        ...REQUEST_HEADERS[name],
        ...(name === "Idempotency-Key" ? { required: row.problems.includes("idempotency_key_missing") } : {}),
      }),
    ),
  ];
  return {
    operationId: row.operationId,
    tags: [row.tag],
    summary: row.summary,
    description: [row.description, needsOf(row)].filter((text) => text !== undefined).join(" "),
    ...(row.action === "open" ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(row.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: schemas.of(row.body, "input") } },
          },
        }),
    responses: { ...successOf(row, schemas), ...emptyOf(row), ...problemsOf(row, schemas) },
  };
}

const MESSAGE_HEADERS: Readonly<Record<string, string>> = {
  "webhook-id": "Names the message, the same at each attempt: who has seen it knows a repeat.",
  "webhook-timestamp": "Seconds since 1970, of the attempt.",
  "webhook-signature":
    "`v1,` and the base64 of HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>` with the webhook's secret; " +
    "several, separated by spaces, while a secret is being replaced. As Standard Webhooks has it.",
};

/** A message as OpenAPI has requests that the service makes. */
function sent(type: string, message: z.ZodType, schemas: SchemaNames): Omit<Operation, "security" | "tags"> {
  return {
    operationId: `told${type.replaceAll(/(?:^|[._])([a-z])/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: `Sent to webhooks: ${type}`,
    description: "At least once, in no particular order.",
    parameters: Object.entries(MESSAGE_HEADERS).map(([name, description]) => ({
      name,
      in: "header",
      required: true,
      description,
      schema: { type: "string" },
    })),
    requestBody: {
      required: true,
      content: { "application/json": { schema: schemas.of(message, "output") } },
    },
    responses: {
      "2XX": { description: "It was received. Anything else is tried again.", headers: {} },
      "410": { description: "No more of these, please: the webhook is switched off.", headers: {} },
    },
  };
}

function needsOf({ action }: RouteRow): string {
  if (action === "open") return "Needs no key.";
  const scope = scopeOf(action);
  return scope === null
    ? "Needs any valid key."
    : `Needs the scope \`${scope}\`, or a role that permits \`${action}\`.`;
}

function parametersOf(
  schema: z.ZodType | undefined,
  place: "path" | "query",
  schemas: SchemaNames,
): Parameter[] {
  if (!(schema instanceof z.ZodObject)) return [];
  const shape: Record<string, z.ZodType> = schema.shape;
  return Object.entries(shape).map(([name, member]) => {
    const { description: _, ...rest } = schemas.of(member, "input");
    return {
      name,
      in: place,
      required: place === "path",
      description: member.meta()?.description ?? "",
      schema: rest,
    };
  });
}

function successOf(row: RouteRow, schemas: SchemaNames): Record<string, Response> {
  const limited = row.action === "open" ? [] : (["RateLimit", "RateLimit-Policy"] as const);
  const replayed = isMutating(row) ? (["Idempotent-Replayed"] as const) : [];
  const names = [...(row.success.headers ?? []), ...replayed, ...limited, "X-Request-Id"] as const;
  return {
    [row.success.status]: {
      description: row.success.description,
      headers: headersOf(names),
      content: Object.fromEntries(
        Object.entries(row.success.content).map(([type, schema]) => [
          type,
          { schema: schemas.of(schema, "output") },
        ]),
      ),
    },
  };
}

function emptyOf(row: RouteRow): Record<string, Response> {
  return Object.fromEntries(
    Object.entries(row.empty ?? {}).map(([status, description]) => [
      status,
      { description, headers: headersOf([...(EMPTY_HEADERS[status] ?? []), "X-Request-Id"]) },
    ]),
  );
}

function problemsOf(row: RouteRow, schemas: SchemaNames): Record<string, Response> {
  const guards: readonly ProblemCode[] =
    row.action === "open" ? [] : scopeOf(row.action) === null ? IDENTIFIED : [...IDENTIFIED, "scope_missing"];
  const keyed: readonly ProblemCode[] = isMutating(row)
    ? ["idempotency_key_missing", "idempotency_key_reused", "idempotency_key_busy"]
    : [];
  const codes = [...new Set([...COMMON_PROBLEMS, ...guards, ...keyed, ...row.problems])];
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].toSorted((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: codes
          .filter((code) => PROBLEMS[code].status === status)
          .map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`)
          .join(" "),
        headers: { ...headersOf(["X-Request-Id"]), ...PROBLEM_HEADERS[status] },
        content: { "application/problem+json": { schema: schemas.of(problemSchema, "output") } },
      },
    ]),
  );
}

function headersOf(names: readonly (keyof typeof RESPONSE_HEADERS)[]): Record<string, Header> {
  return Object.fromEntries(names.map((name) => [name, header(...RESPONSE_HEADERS[name])]));
}

function header(description: string, schema: JsonObject): Header {
  return { description, schema };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
