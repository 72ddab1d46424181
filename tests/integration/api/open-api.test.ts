import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, PROBLEMS, ROUTES, type RouteRow } from "@assent/contract";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { expect, test } from "vitest";
import { z } from "zod";
import { generateOpenApi } from "../../../packages/harness/src/api/open-api.ts";
import { SERVICE_VERSION } from "../../../packages/harness/src/base/version.ts";
import {
  IDEMPOTENCY_RETENTION_HOURS,
  PAGE_ROWS_DEFAULT,
  PAGE_ROWS_MAX,
} from "../../../packages/harness/src/base/limits.ts";
import { KEYS } from "./samples.ts";
import { bearer, startApi } from "./support.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DOCUMENT = generateOpenApi();
const ROWS: readonly RouteRow[] = Object.values(ROUTES);
type Operation = NonNullable<ReturnType<typeof generateOpenApi>["paths"][string][string]>;

function operationOf(row: RouteRow): Operation {
  const operation = DOCUMENT.paths[row.path]?.[row.method.toLowerCase()];
  if (operation === undefined) throw new Error(`${row.operationId} is described`);
  return operation;
}

async function lint(document: unknown): Promise<string[]> {
  const config = await createConfig({ extends: ["recommended-strict"] });
  const faults = await lintFromString({
    source: JSON.stringify(document),
    absoluteRef: "openapi.json",
    config,
  });
  return faults.map(({ ruleId, severity, message }) => `${severity} ${ruleId}: ${message}`);
}

test("the document is clean by redocly's strict rules", async () => {
  expect(await lint(generateOpenApi())).toEqual([]);
});

test("the linter sees known wrongs", async () => {
  const document = generateOpenApi();
  const info = { ...document.info, license: undefined };
  expect(await lint({ ...document, info })).toContainEqual(expect.stringContaining("info-license"));
  expect(
    await lint({
      ...document,
      components: {
        ...document.components,
        schemas: { ...document.components.schemas, Run: { type: "thing" } },
      },
    }),
  ).not.toEqual([]);
  expect(await lint({ ...document, components: { schemas: {} } })).toContainEqual(
    expect.stringContaining("no-unresolved-refs"),
  );
});

test("the server serves the document, to any key", async () => {
  await using api = await startApi();
  const answer = await fetch(`${api.url}/openapi.json`, { headers: bearer(KEYS.decide) });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(generateOpenApi())));
});

test("it describes every route, and no other", () => {
  const described = Object.entries(generateOpenApi().paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.toSorted()).toEqual(ROWS.map((row) => `${row.method} ${row.path}`).toSorted());
  const ids = ROWS.map((row) => operationOf(row).operationId);
  expect(ids).toEqual(Object.keys(ROUTES));
});

test("every refusal of a route stands under its status, as a problem", () => {
  for (const row of ROWS) {
    const { responses } = operationOf(row);
    for (const code of [...row.problems, "invalid_request", "internal_error"] as const) {
      const response = responses[PROBLEMS[code].status];
      expect(response?.description).toContain(`\`${code}\``);
      expect(response?.content).toEqual({
        "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
      });
    }
    expect(responses["401"] === undefined).toBe(row.action === "open");
    expect(operationOf(row).security).toEqual(row.action === "open" ? [] : undefined);
    for (const [status, response] of Object.entries(responses)) {
      expect(Object.keys(response.headers)).toContain("X-Request-Id");
      if (status === "503") expect(Object.keys(response.headers)).toContain("Retry-After");
    }
  }
});

test("headers that carry meaning are described", () => {
  const submit = operationOf(ROUTES.submitRun);
  const key = submit.parameters?.find(({ name }) => name === "Idempotency-Key");
  expect(key).toMatchObject({ in: "header", required: true });
  expect(key?.description).toContain(`${IDEMPOTENCY_RETENTION_HOURS} hours`);
  expect(Object.keys(submit.responses["202"]?.headers ?? {})).toEqual(
    expect.arrayContaining(["Location", "Idempotent-Replayed"]),
  );
  expect(Object.keys(operationOf(ROUTES.getRun).responses["200"]?.headers ?? {})).toContain("ETag");
  expect(Object.keys(operationOf(ROUTES.listEvents).responses["200"]?.content ?? {})).toEqual([
    "application/json",
    "text/event-stream",
  ]);
});

test("objects are closed: what is not described is not sent", () => {
  for (const name of ["Run", "RunSummary", "Approval", "Key", "Problem", "AuditEvent", "Artifact", "Step"])
    expect(generateOpenApi().components.schemas[name]).toMatchObject({
      type: "object",
      additionalProperties: false,
    });
});

test("what is said twice agrees", () => {
  expect([LIST_LIMIT_MAX, LIST_LIMIT_DEFAULT]).toEqual([PAGE_ROWS_MAX, PAGE_ROWS_DEFAULT]);
  const manifest: unknown = JSON.parse(
    readFileSync(new URL("../../../packages/harness/package.json", import.meta.url), "utf8"),
  );
  expect(manifest).toMatchObject({ version: SERVICE_VERSION });
});

test("whatever takes a body says what is refused of one", () => {
  const taking = ROWS.filter((row) => row.body !== undefined);
  expect(taking.length).toBeGreaterThan(10);
  for (const { operationId, problems } of taking)
    expect({ operationId, problems }).toEqual({
      operationId,
      problems: expect.arrayContaining(["malformed_json", "body_too_large", "unsupported_media_type"]),
    });
});

type Shape = {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
};
const schemas = Object.entries(generateOpenApi().components.schemas as Readonly<Record<string, Shape>>);
const alternatives = (shape: Shape): readonly Shape[] => shape.anyOf ?? [shape];

test("whatever comes in pages names the next one in a header, too", () => {
  const paged = ROWS.filter((row) => {
    const [schema] = Object.values(row.success.content ?? {});
    return schema instanceof z.ZodObject && "next_cursor" in schema.shape;
  });
  expect(paged.map(({ operationId }) => operationId)).toEqual(
    expect.arrayContaining(["listRuns", "listWaiting"]),
  );
  const unnamed = paged.filter(({ success }) => success.headers?.includes("Link") !== true);
  expect(unnamed.map(({ operationId }) => operationId)).toEqual([]);
});

test("what is a time is described as one", () => {
  const times = schemas.flatMap(([name, { properties = {} }]) =>
    Object.entries(properties).flatMap(([property, shape]) =>
      /(?:^|_)(?:at|since|until)$/.test(property)
        ? alternatives(shape)
            .filter(({ type = [] }) => type === "string" || type.includes("string"))
            .map(({ format }) => `${name}.${property}: ${format}`)
        : [],
    ),
  );
  expect(times.length).toBeGreaterThan(30);
  expect(times.filter((time) => !time.endsWith(": date-time"))).toEqual([]);
});

test("every refusal that is documented can happen", () => {
  const sources = globSync("packages/harness/src/**/*.ts", { cwd: ROOT })
    .filter((file) => !file.endsWith(".test.ts"))
    .map((file) => readFileSync(`${ROOT}/${file}`, "utf8"))
    .join("\n");
  expect(Object.keys(PROBLEMS).filter((code) => !sources.includes(`"${code}"`))).toEqual([]);
});
