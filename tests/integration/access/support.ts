// Two real servers on one database, as two processes would be: they share nothing in memory.

import { type ApiServer, createServer } from "../../../packages/harness/src/api/server.ts";
import type { Evidence } from "../../../packages/harness/src/services/audit/evidence.ts";
import { type Engine, type EngineOptions, openEngine } from "../../support/engine.ts";

export type Edge = AsyncDisposable & {
  readonly engine: Engine;
  readonly servers: readonly ApiServer[];
  readonly urls: readonly [string, string];
  readonly evidence: Evidence | null;
  /** Rows of every table of every tenant, but for what merely being asked leaves behind. */
  rows(): Promise<Readonly<Record<string, string>>>;
};

/** Written by every request, whatever comes of it. */
const TRACES: readonly string[] = ["quota_buckets", "signature_nonces", "access_events"];

const log = (): void => undefined;

/** @param evidence what both servers know of the logs; left out: nothing */
export async function openEdge(
  options: EngineOptions = {},
  evidence: (engine: Engine) => Evidence | null = () => null,
): Promise<Edge> {
  const engine = await openEngine(options);
  const kept = evidence(engine);
  const first = await createServer(kept === null ? engine.harness : engine.again({ evidence: kept }), {
    log,
  });
  const second = await createServer(engine.again({ evidence: kept }), { log });
  const urls = [(await first.listen("127.0.0.1", 0)).url, (await second.listen("127.0.0.1", 0)).url] as const;
  return {
    engine,
    servers: [first, second],
    urls,
    evidence: kept,
    rows: async () => await digestTables(engine),
    [Symbol.asyncDispose]: async () => {
      await first.close();
      await second.close();
      await engine[Symbol.asyncDispose]();
    },
  };
}

async function digestTables({ database }: Engine): Promise<Readonly<Record<string, string>>> {
  const pool = database.ownerPool();
  const { rows } = await pool.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'assent'::regnamespace and relkind = 'r' order by 1",
  );
  const digests: Record<string, string> = {};
  for (const { name } of rows.filter((row) => !TRACES.includes(row.name))) {
    const body = name === "api_keys" ? "(to_jsonb(t) - 'last_used_at')::text" : "t::text";
    const { rows: found } = await pool.query<{ digest: string }>(
      `select count(*) || ' ' || md5(coalesce(string_agg(${body}, ',' order by ${body}), '')) as digest
       from assent.${name} t`,
    );
    digests[name] = found[0]?.digest ?? "";
  }
  return digests;
}

export const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

export async function ask(
  url: string,
  key: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...bearer(key),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const json: unknown = await response.json();
  if (typeof json !== "object" || json === null) throw new Error("an answer is an object");
  return { status: response.status, headers: response.headers, body: { ...json } };
}
