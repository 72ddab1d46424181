// What a harness does not offer beyond what every harness does, found by asking: a route that is not there is no fault of it, and
// whoever gives the command need not know the names of them all.

import { randomUUID } from "node:crypto";
import type { HttpAnswer, HttpRequest } from "./http.ts";
import { fieldsOf, textOf } from "./run-reading.ts";
import type { Spoken } from "./target.ts";

/** Of one server, as whoever submits runs there. */
export type Asker = (request: HttpRequest) => Promise<HttpAnswer>;

export type NotOffered = { readonly capability: Spoken; readonly why: string };

const ABSENT: readonly number[] = [404, 405, 501];
/** A driver that nobody knows is a body that does not fit. */
const UNKNOWN_DRIVER: readonly number[] = [400, 422];

const get = (path: string, accept = "application/json"): HttpRequest => ({
  method: "GET",
  path,
  headers: { accept },
  body: null,
});

const post = (path: string, body: object | null): HttpRequest => ({
  method: "POST",
  path,
  headers: {
    accept: "application/json",
    ...(body === null ? {} : { "content-type": "application/json" }),
    "idempotency-key": `assent-suite-${randomUUID()}`,
  },
  body: body === null ? null : JSON.stringify(body),
});

type Probe = readonly [capabilities: readonly Spoken[], request: HttpRequest, absent: readonly number[]];

/** Each is asked for something that is there where the route is. The run is called off by the last of them. */
const probesOf = (run: string): readonly Probe[] => {
  const path = `/api/harness/runs/${encodeURIComponent(run)}`;
  return [
    [["list"], get("/api/harness/runs"), ABSENT],
    [["precedents"], get("/api/harness/precedents"), ABSENT],
    [["escalations"], get("/api/harness/escalations"), ABSENT],
    [["webhooks"], get("/api/harness/webhooks"), ABSENT],
    [["documents"], get("/api/harness/documents"), ABSENT],
    [["open_api"], get("/openapi.json"), ABSENT],
    [["events"], get(`${path}/events?after=0`), ABSENT],
    [["cancel"], post(`${path}/cancel`, null), ABSENT],
  ];
};

const DRIVEN = {
  driver: "external",
  task: "Look, and tell.",
  approver: "none",
  tools: [{ name: "look", effect: "none", harm: [], control_arguments: [] }],
};

/** @param run one that was just submitted, and that nobody needs */
export async function notOffered(ask: Asker, run: string): Promise<readonly NotOffered[]> {
  const missing: NotOffered[] = [];
  for (const [capabilities, request, absent] of probesOf(run)) {
    const { status } = await ask(request);
    const why = `${request.method} ${request.path.replace(run, "{id}")}: ${status}`;
    if (absent.includes(status)) missing.push(...capabilities.map((capability) => ({ capability, why })));
  }
  if (missing.some(({ capability }) => capability === "events"))
    missing.push({ capability: "event_stream", why: "there are no events" });
  return [...missing, ...(await drivesNone(ask))];
}

async function drivesNone(ask: Asker): Promise<readonly NotOffered[]> {
  const answer = await ask(post("/api/harness/run", DRIVEN));
  if (answer.status === 202) {
    const id = idOf(answer);
    await ask(post(`/api/harness/runs/${encodeURIComponent(id)}/cancel`, null));
    return [];
  }
  if (![...ABSENT, ...UNKNOWN_DRIVER].includes(answer.status)) return [];
  const why = `POST /api/harness/run with the driver \`external\`: ${answer.status}`;
  return (["external_runs", "plans"] as const).map((capability) => ({ capability, why }));
}

function idOf({ bytes }: HttpAnswer): string {
  try {
    return textOf(fieldsOf(JSON.parse(Buffer.from(bytes).toString("utf8")))["id"]);
  } catch {
    return "";
  }
}
