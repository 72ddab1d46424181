// The toy's HTTP edge.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type ApproveRequest,
  approveRequestSchema,
  type AuditEvent,
  problem,
  type ProblemCode,
  runRequestSchema,
} from "@assent/contract";
import { digestOfEvent } from "../digest.ts";
import type { HttpRequest } from "../http.ts";
import { fieldsOf } from "../run-reading.ts";
import type { ToyCaller, ToyHarness } from "./toy-harness.ts";
import { type Breaks, shownText, type ToyRun } from "./toy-run.ts";
import { tellRequest, type ToySignals } from "./toy-signals.ts";
import { answerDriver } from "./toy-plans.ts";
import { answerRuled } from "./toy-rules.ts";
import { answerAuditor, proveEvent, type ToyEvidence, type ToyLook, withReceipt } from "./toy-log.ts";
import { answerReader, type ToyLibrary } from "./toy-library.ts";
import { passesSignature, type ToyEdge, type ToySignatures, type ToySigner } from "./toy-signatures.ts";

type Reply = { readonly response: ServerResponse; readonly breaks: Breaks; readonly body: Buffer };

function sendJson(
  { response }: Reply,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  // One by one, so that whoever measures the answer can read them.
  for (const [name, value] of Object.entries({ "content-type": "application/json", ...headers }))
    response.setHeader(name, value);
  response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
}

/** Says what of a decision was refused, word by word. */
const quoted = (request: ApproveRequest, breaks: Breaks): string => {
  const words = "arguments" in request ? JSON.stringify(request.arguments).split(/[^\w.-]+/u) : [];
  return `The toy refuses. ${(breaks.has("err.quote") ? words : words.map(shownText)).join(" ")}`;
};

function refuse(reply: Reply, code: ProblemCode, detail = "The toy refuses."): void {
  const body = problem(code, detail);
  if (reply.breaks.has("err.html"))
    reply.response.writeHead(body.status, { "content-type": "text/html" }).end("<h1>No</h1>");
  else sendJson(reply, body.status, body, { "content-type": "application/problem+json" });
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of message as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function readJson({ body }: Reply): unknown {
  try {
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

const header = (message: IncomingMessage, name: string): string | null => {
  const value = message.headers[name];
  return typeof value === "string" ? value : null;
};

async function submit(
  reply: Reply,
  message: IncomingMessage,
  caller: ToyCaller,
  harness: ToyHarness,
): Promise<void> {
  const body = fieldsOf(readJson(reply));
  if (body["driver"] === "external") {
    const toy = harness.drive(caller, body);
    return sendJson(reply, 202, toy.run, { location: `/api/harness/runs/${toy.run.id}` });
  }
  const forged = reply.breaks.has("apr.forged") && body["approvals"] !== undefined;
  const known = Object.entries(body).filter(([name]) => !forged || ["agent", "task"].includes(name));
  const request = runRequestSchema.safeParse(Object.fromEntries(known));
  if (!request.success) return refuse(reply, "invalid_request");
  const outcome = await harness.submit(caller, request.data, header(message, "idempotency-key"));
  if ("refused" in outcome) return refuse(reply, outcome.refused);
  if (forged) await believe(harness, caller, outcome.toy);
  const location = `/api/harness/${reply.breaks.has("loc.wrong") ? "run" : "runs"}/${outcome.toy.run.id}`;
  sendJson(reply, 202, outcome.body, {
    ...(reply.breaks.has("loc.missing") ? {} : { location }),
    ...(outcome.replayed ? { "idempotent-replayed": "true" } : {}),
  });
}

// What the client brought along is taken for a person's word.
async function believe(harness: ToyHarness, caller: ToyCaller, toy: ToyRun): Promise<void> {
  while (toy.run.approvals[0] === undefined) await nextTurn();
  const { id, action_digest } = toy.run.approvals[0];
  await harness.decide(caller, { approval_id: id, decision: "approve", action_digest });
}

async function decide(
  reply: Reply,
  caller: ToyCaller,
  harness: ToyHarness,
  look: ToyLook | null,
): Promise<void> {
  const sent = fieldsOf(readJson(reply));
  const digest = sent["action_digest"];
  const isFolded = reply.breaks.has("apr.case") && typeof digest === "string";
  const request = approveRequestSchema.safeParse(
    isFolded ? { ...sent, action_digest: digest.toLowerCase() } : sent,
  );
  if (!request.success) return refuse(reply, "invalid_request");
  const outcome = await harness.decide(caller, request.data);
  if ("refused" in outcome) return refuse(reply, outcome.refused, quoted(request.data, reply.breaks));
  const { approvals } = outcome.toy.run;
  const decided = approvals.find(({ id }) => id === request.data.approval_id) ?? approvals[0];
  sendJson(reply, 200, look === null ? decided : withReceipt(look, outcome.toy, decided));
}

function show(reply: Reply, message: IncomingMessage, caller: ToyCaller, toy: ToyRun): void {
  const etag = reply.breaks.has("etag.fixed") ? '"1"' : `"${toy.run.version}"`;
  if (header(message, "if-none-match") === etag) {
    reply.response.writeHead(304, { etag }).end();
    return;
  }
  const run = reply.breaks.has("leak.key") ? { ...toy.run, task: caller.key } : toy.run;
  sendJson(reply, 200, run, { etag });
}

function writtenAnew(event: AuditEvent, at: string): AuditEvent {
  const other = { ...event, at };
  return { ...other, digest: digestOfEvent(other) };
}

function showEvents(reply: Reply, message: IncomingMessage, after: number, toy: ToyRun): void {
  const last = header(message, "last-event-id");
  const from = last === null || reply.breaks.has("stream.deaf") ? after : Number(last);
  const isAnew = reply.breaks.has("audit.rewritten") && toy.run.finished_at !== null;
  const rows = toy.events
    .map((event) => (isAnew ? writtenAnew(event, toy.run.updated_at) : event))
    .filter(({ version }) => version > from);
  if (!(header(message, "accept") ?? "").includes("text/event-stream"))
    return sendJson(reply, 200, {
      data: reply.breaks.has("events.mute") ? [] : rows,
      ended: toy.run.finished_at !== null,
    });
  reply.response.writeHead(200, { "content-type": "text/event-stream" });
  const told = reply.breaks.has("stream.mute") ? [] : rows;
  for (const event of reply.breaks.has("stream.order") ? told.toReversed() : told)
    reply.response.write(`id: ${event.version}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
  reply.response.end("event: end\ndata: {}\n\n");
}

function showArtifact(reply: Reply, id: string, toy: ToyRun): void {
  const bytes = toy.bytes.get(id);
  if (bytes === undefined) return refuse(reply, "artifact_not_found");
  reply.response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
}

function list(reply: Reply, url: URL, caller: ToyCaller, harness: ToyHarness): void {
  const [name = "", value = ""] = (url.searchParams.get("label") ?? "").split(":");
  const from = Number(url.searchParams.get("cursor") ?? "0");
  const limit = Number(url.searchParams.get("limit") ?? "100");
  const data = harness
    .list(caller, reply.breaks.has("tenant.cursor") && from > 0)
    .filter(() => !reply.breaks.has("list.mute"))
    .filter(({ run }) => name === "" || run.labels[name] === value)
    .map(({ run: { answer: _a, usage: _u, steps, approvals: _p, artifacts: _f, ...summary } }) =>
      reply.breaks.has("end.listed") && steps.length > 0 && summary.status === "running"
        ? { ...summary, status: "succeeded" }
        : summary,
    );
  const next = from + limit < data.length ? `${from + limit}` : null;
  sendJson(reply, 200, { data: data.slice(from, from + limit), next_cursor: next });
}

function memory(reply: Reply, caller: ToyCaller, id: string, harness: ToyHarness): void {
  const known = harness.answers(caller);
  if (id === "") return sendJson(reply, 200, { data: known });
  const found = known.find((one) => one.id === id);
  if (found === undefined) return refuse(reply, "precedent_not_found");
  found.revoked = true;
  sendJson(reply, 200, found);
}

/** For the toys that look at no tenant: whoever has the run asks. */
const ownerOf = (harness: ToyHarness, id: string, caller: ToyCaller): ToyCaller => ({
  ...caller,
  tenant: harness.tenantOf(id) ?? caller.tenant,
});

function strangerAs(breaks: Breaks, message: IncomingMessage, what: string | undefined): boolean {
  if (what === "artifacts") return breaks.has("tenant.artifacts");
  const isStream = (header(message, "accept") ?? "").includes("text/event-stream");
  return what === "events" && breaks.has(isStream ? "tenant.streams" : "tenant.events");
}

/** Whom a toy that asks for no key takes a stranger for. */
function takenFor(
  breaks: Breaks,
  message: IncomingMessage,
  callers: readonly ToyCaller[],
): ToyCaller | undefined {
  const submits = message.url === "/api/harness/run";
  const isOpen =
    breaks.has("auth.none") ||
    (breaks.has("auth.reads") && message.method === "GET") ||
    (breaks.has("auth.submits") && submits);
  return isOpen ? callers[0] : undefined;
}

const say = (
  reply: Reply,
  said: { readonly status?: number; readonly body: unknown } | { readonly refused: ProblemCode },
): void => ("refused" in said ? refuse(reply, said.refused) : sendJson(reply, said.status ?? 200, said.body));

async function route(
  reply: Reply,
  message: IncomingMessage,
  caller: ToyCaller,
  { harness, evidence, library, place }: ToyDoor,
): Promise<void> {
  const url = new URL(message.url ?? "/", "http://toy");
  const [, api, , runs, id = "", what, item = "", last = ""] = url.pathname.split("/");
  if (api !== "api") return refuse(reply, "route_not_found");
  const { tenant, actor } = caller;
  const { breaks } = reply;
  const at = { breaks, place, tenant, reader: actor.name, runs: harness.list(caller, true).toReversed() };
  const look = evidence === null ? null : { ...at, evidence };
  if (look !== null && runs === "audit") return say(reply, answerAuditor(look, item, url.searchParams));
  if (library !== null && runs === "documents") {
    const body = fieldsOf(readJson(reply));
    const asked = { method: message.method ?? "", tenant, id, body, query: url.searchParams };
    return say(reply, answerReader(library, breaks, asked));
  }
  if (message.method === "POST" && runs === "run") return await submit(reply, message, caller, harness);
  if (message.method === "POST" && runs === "approve") return await decide(reply, caller, harness, look);
  if (runs === "access-events") {
    const data = Array.from({ length: harness.refusals(caller) }, () => ({ kind: "signature_refused" }));
    return sendJson(reply, 200, { data, next: null });
  }
  if (runs === "precedents") return memory(reply, caller, decodeURIComponent(id), harness);
  if (runs !== "runs") return refuse(reply, "route_not_found");
  if (id === "") return list(reply, url, caller, harness);
  if (what === "cancel") {
    if (reply.breaks.has("cancel.breaks")) return refuse(reply, "internal_error");
    const stored = harness.stored(caller, header(message, "idempotency-key"));
    if (reply.breaks.has("idem.route") && stored !== undefined) return sendJson(reply, 200, stored);
    const outcome = harness.cancel(
      reply.breaks.has("tenant.cancels") ? ownerOf(harness, id, caller) : caller,
      id,
    );
    return "refused" in outcome ? refuse(reply, outcome.refused) : sendJson(reply, 200, outcome.toy.run);
  }
  if (what === "redrive") {
    const outcome = harness.redrive(caller, id);
    if ("refused" in outcome) return refuse(reply, outcome.refused);
    const location = `/api/harness/runs/${outcome.toy.run.id}`;
    return sendJson(reply, 200, outcome.toy.run, { location });
  }
  const toy = harness.find(
    strangerAs(reply.breaks, message, what) ? ownerOf(harness, id, caller) : caller,
    id,
  );
  if ("refused" in toy) return refuse(reply, toy.refused);
  if (what === "plan" || what === "actions") {
    const said = message.method === "GET" ? "look" : "report";
    const move = what === "plan" ? "plan" : item === "" ? "propose" : said;
    const body = fieldsOf(readJson(reply));
    const outcome =
      answerRuled(toy, reply.breaks, move, item, body) ?? answerDriver(toy, reply.breaks, move, item, body);
    return "refused" in outcome ? refuse(reply, outcome.refused) : sendJson(reply, 200, outcome.body);
  }
  if (look !== null && last === "proof") return say(reply, proveEvent(look, toy, item));
  if (what === "events") return showEvents(reply, message, Number(url.searchParams.get("after") ?? "0"), toy);
  if (what === "artifacts") return showArtifact(reply, item, toy);
  return show(reply, message, caller, toy);
}

const KEPT_MS = 120_000;

export type ToyServer = { readonly url: string; stop(): Promise<void> };

type Gate = (request: HttpRequest, caller: ToyCaller) => Promise<boolean>;

async function answer(
  message: IncomingMessage,
  response: ServerResponse,
  door: ToyDoor & { readonly gate: Gate },
): Promise<void> {
  const { harness, callers, breaks, gate, signals } = door;
  const body = await readBody(message);
  const reply: Reply = { response, breaks, body };
  const [path = ""] = (message.url ?? "").split("?");
  response.once("finish", () => {
    const place = response.getHeader("location");
    const run = typeof place === "string" ? place.slice(place.lastIndexOf("/") + 1) : undefined;
    const told = { method: message.method ?? "", path, status: response.statusCode };
    tellRequest(signals, breaks, run === undefined ? told : { ...told, run });
  });
  const caller =
    callers.find(({ key }) => message.headers.authorization === `Bearer ${key}`) ??
    takenFor(breaks, message, callers);
  if (message.url === "/healthz") return sendJson(reply, 200, { status: "ok" });
  if (message.url === "/readyz") {
    if (!harness.isReady()) return refuse(reply, "not_ready");
    return sendJson(reply, 200, { status: "ready" });
  }
  if (caller === undefined) return refuse(reply, "unauthenticated");
  const request: HttpRequest = {
    method: message.method ?? "",
    path: message.url ?? "/",
    headers: Object.fromEntries(
      Object.entries(message.headers).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      ),
    ),
    body: body.length === 0 ? null : body,
  };
  if (!(await gate(request, caller))) return refuse(reply, "signature_refused");
  await route(reply, message, caller, door).catch(() => {
    refuse(reply, "internal_error");
  });
}

export type ToyDoor = {
  readonly harness: ToyHarness;
  readonly callers: readonly ToyCaller[];
  readonly signer: ToySigner;
  readonly signatures: ToySignatures;
  readonly signals: ToySignals;
  readonly breaks: Breaks;
  /** Where it keeps any. */
  readonly evidence: ToyEvidence | null;
  readonly library: ToyLibrary | null;
  /** Its number among those of one state. */
  readonly place: number;
};

/** Listens on a free port of the loopback interface. */
export async function startToyServer(door: ToyDoor): Promise<ToyServer> {
  const edge: ToyEdge = { nonces: new Set() };
  const { signer, signatures, breaks } = door;
  const gate: Gate = async (request, caller) =>
    await passesSignature(request, caller, signer, signatures, edge, breaks);
  const server = createServer((message, response) => {
    answer(message, response, { ...door, gate }).catch(() => {
      response.destroy();
    });
  });
  // On a busy machine sixty connections take longer to stand than Node keeps an idle one: the last byte of a race met a closed door.
  server.keepAliveTimeout = KEPT_MS;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the toy has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
