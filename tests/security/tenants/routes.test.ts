// Invariant 8, tenant walls, at the door: every route that the router knows, asked by two tenants whose every row has
// the same ids, and by a third that names theirs; streams of both at once. Each layer is switched off by itself.

import { randomBytes } from "node:crypto";
import { isApiAction, SCOPES } from "@assent/contract";
import { afterEach, expect, test } from "vitest";
import {
  type ApiServer,
  createServer,
  type RegisteredRoute,
} from "../../../packages/harness/src/api/server.ts";
import { value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { bodyOf, pathOf } from "../../integration/access/requests.ts";
import { OURS, THEIRS } from "./twin.ts";
import { type Layers, openTwins, type Twins } from "./twins.ts";

type Door = {
  readonly twins: Twins;
  readonly url: string;
  readonly routes: readonly RegisteredRoute[];
  readonly keys: { readonly ours: string; readonly theirs: string; readonly stranger: string };
  /** Every statement that reached the database since the door was opened. */
  readonly statements: string[];
};

const opened: AsyncDisposable[] = [];
let server: ApiServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
  for (const engine of opened.splice(0)) await engine[Symbol.asyncDispose]();
});

async function openDoor(layers: Layers): Promise<Door> {
  const statements: string[] = [];
  const twins = await openTwins(layers, {
    engine: (engine) => {
      opened.push(engine);
    },
    statement: (sql) => {
      statements.push(sql);
    },
  });
  const { engine } = twins;
  server = await createServer(engine.harness, { log: () => undefined });
  const { url } = await server.listen("127.0.0.1", 0);
  const grant = { scopes: SCOPES };
  const keys = {
    ours: await engine.newKey("reader", "default", grant),
    theirs: await engine.newKey("reader", "other", grant),
    stranger: await engine.newKey("reader", "third", grant),
  };
  return { twins, url, routes: server.routes.filter(({ action }) => isApiAction(action)), keys, statements };
}

const LAYERS: readonly (readonly [name: string, layers: Layers])[] = [
  ["both layers", { predicates: true, rowSecurity: true }],
  ["row-level security alone", { predicates: false, rowSecurity: true }],
  ["the queries alone", { predicates: true, rowSecurity: false }],
];
const NEITHER: Layers = { predicates: false, rowSecurity: false };

// What the path names of a kind that there is none of stays an unknown one of its form.
function placeOf(route: RegisteredRoute, ids: Readonly<Record<string, string>>): string {
  const kind = /\/([a-z-]+)\/:id\b/.exec(route.path)?.[1] ?? "";
  const artifact = ids["artifacts"] ?? "";
  return pathOf({ ...route, path: route.path.replace(":artifact", artifact) }, ids[kind] ?? unknownOf(kind));
}

const unknownOf = (kind: string): string => {
  const hex = randomBytes(16).toString("hex");
  if (kind === "precedents" || kind === "escalations") return `sha256:${hex}${hex}`;
  return `${{ "signing-keys": "sgk", keys: "key", documents: "doc", approvals: "apr", webhooks: "whk" }[kind] ?? "run"}_${hex}`;
};

type Told = { readonly status: number; readonly headers: string; readonly text: string };

async function ask(
  { url }: Door,
  route: RegisteredRoute,
  key: string,
  path: string,
  accept = "*/*",
): Promise<Told> {
  const body = bodyOf(route);
  const answer = await fetch(url + path, {
    method: route.method,
    headers: {
      accept,
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const headers = [...answer.headers]
    .filter(([name]) => !["date", "x-request-id", "ratelimit", "traceparent"].includes(name))
    .map(([name, text]) => `${name}: ${text}`);
  const text = (await answer.text())
    .replaceAll(/req_[0-9a-f]{32}/g, "req_")
    // From when on is counted, of what is asked for by days.
    .replaceAll(/"since":"[^"]+"/g, '"since":""');
  return { status: answer.status, headers: headers.join("\n"), text };
}

/** What every route that only reads tells one tenant, by the route. */
async function readRoutes(door: Door, key: string): Promise<ReadonlyMap<string, string>> {
  const { ids } = door.twins;
  const told = new Map<string, string>();
  for (const route of door.routes.filter(({ method }) => method === "GET")) {
    const { headers, text } = await ask(
      door,
      route,
      key,
      placeOf(route, ids).replace("q=words", "q=figures"),
    );
    told.set(route.path, `${headers}\n${text}`);
  }
  return told;
}

const namesOf = (told: ReadonlyMap<string, string>, canary: string): string[] =>
  [...told].flatMap(([path, text]) => (text.includes(canary) ? [path] : []));

/** Routes that have something of the tenant's own to tell. */
const SPEAKING: readonly string[] = [
  "/api/harness/runs",
  "/api/harness/runs/:id",
  "/api/harness/runs/:id/events",
  "/api/harness/runs/:id/artifacts/:artifact",
  "/api/harness/approvals/:id",
  "/api/harness/decisions",
  "/api/harness/waiting",
  "/api/harness/precedents",
  "/api/harness/documents",
  "/api/harness/documents/:id",
  "/api/harness/documents/search",
  "/api/harness/keys",
  "/api/harness/webhooks",
];

async function expectRoutesApart(door: Door): Promise<void> {
  const mine = await readRoutes(door, door.keys.ours);
  const others = await readRoutes(door, door.keys.theirs);
  expect(namesOf(mine, THEIRS)).toEqual([]);
  expect(namesOf(others, OURS)).toEqual([]);
  expect(namesOf(mine, OURS)).toEqual(expect.arrayContaining([...SPEAKING]));
  expect(namesOf(others, THEIRS)).toEqual(expect.arrayContaining([...SPEAKING]));
  // Whoever is shown one twin's page is not let on through the other's.
  const list = door.routes.find(({ method, path }) => method === "GET" && path === "/api/harness/runs");
  if (list === undefined) throw new Error("there is a list of runs");
  const page: unknown = JSON.parse((await ask(door, list, door.keys.ours, `${list.path}?limit=1`)).text);
  const cursor = typeof page === "object" && page !== null && "next_cursor" in page ? page.next_cursor : null;
  expect(cursor).toEqual(expect.any(String));
  const path = `${list.path}?limit=1&cursor=${encodeURIComponent(String(cursor))}`;
  expect((await ask(door, list, door.keys.ours, path)).status).toBe(200);
  expect((await ask(door, list, door.keys.theirs, path)).status).toBe(400);
}

/** From the same questions to the database, which is what makes the same time: no clock could decide that here. */
async function expectNothingTold(door: Door): Promise<void> {
  const { ids } = door.twins;
  const about = door.routes.filter(({ path }) => path.includes(":id"));
  expect(about.length).toBeGreaterThan(15);
  const before = await readRoutes(door, door.keys.ours);
  for (const route of about) {
    const asked: (Told & { readonly statements: readonly string[] })[] = [];
    for (const path of [placeOf(route, ids), placeOf(route, { artifacts: ids["artifacts"] ?? "" })]) {
      const from = door.statements.length;
      const told = await ask(door, route, door.keys.stranger, path);
      const [, id = ""] = /\/((?:run|doc|key|sgk|apr|whk)_[0-9a-f]{32}|sha256:[0-9a-f]{64})/.exec(path) ?? [];
      const text = told.text.replaceAll(id, "id");
      asked.push({ ...told, text, statements: door.statements.slice(from) });
    }
    const [known, unknown] = asked;
    expect(known?.statements.length).toBeGreaterThan(0);
    expect({ route: route.path, ...known }).toEqual({ route: route.path, ...unknown });
    expect(`${route.method} ${route.path}: ${known?.status}`).toBe(`${route.method} ${route.path}: 404`);
  }
  expect(await readRoutes(door, door.keys.ours)).toEqual(before);
}

type Stream = { text: string; ended: boolean; readonly closed: Promise<void> };

async function openStream({ url, twins }: Door, key: string): Promise<Stream> {
  const answer = await fetch(`${url}/api/harness/runs/${twins.waiting}/events`, {
    headers: { accept: "text/event-stream", authorization: `Bearer ${key}` },
  });
  if (answer.status !== 200 || answer.body === null) throw new Error(`no stream: ${answer.status}`);
  const { body } = answer;
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of body) stream.text += decoder.decode(chunk, { stream: true });
    stream.ended = true;
  };
  const stream: Stream = { text: "", ended: false, closed: Promise.resolve() };
  return Object.assign(stream, { closed: read() });
}

const versionsOf = ({ text }: Stream): number[] =>
  [...text.matchAll(/^id: (\d+)$/gm)].map(([, version]) => Number(version));

const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

/** Both twins stream the same run id; the run of the one is called off, then that of the other. */
async function streamBoth(door: Door): Promise<{ ours: Stream; theirs: Stream; last: number }> {
  const { engine, ours: us, theirs: them, waiting } = door.twins;
  const { version } = value(await engine.harness.getRun(us, waiting));
  const streams = {
    ours: await openStream(door, door.keys.ours),
    theirs: await openStream(door, door.keys.theirs),
  };
  await until(
    "both streams have told what was",
    () => versionsOf(streams.ours).length >= version && versionsOf(streams.theirs).length >= version,
  );
  value(await engine.harness.cancelRun(us, waiting));
  await streams.ours.closed;
  value(await engine.harness.cancelRun(them, waiting));
  await streams.theirs.closed;
  return { ...streams, last: version };
}

async function expectStreamsApart(door: Door): Promise<void> {
  const { ours, theirs, last } = await streamBoth(door);
  for (const [stream, own, other] of [
    [ours, OURS, THEIRS],
    [theirs, THEIRS, OURS],
  ] as const) {
    expect(stream.text).toContain(own);
    expect(stream.text).not.toContain(other);
    expect(stream.text.match(/^event: run_cancelled$/gm)).toHaveLength(1);
    const versions = versionsOf(stream);
    expect(versions).toEqual(upTo(versions.length));
    expect(versions.length).toBeGreaterThan(last);
  }
}

test.each(LAYERS)(
  "no route, no known id and no stream tells one tenant of another, with %s",
  async (_, layers) => {
    const door = await openDoor(layers);
    await expectRoutesApart(door);
    await expectNothingTold(door);
    await expectStreamsApart(door);
  },
);

test("with neither layer routes and streams cross: so the test sees what it looks for", async () => {
  const door = await openDoor(NEITHER);
  const mine = await readRoutes(door, door.keys.ours);
  expect(namesOf(mine, THEIRS)).toEqual(
    expect.arrayContaining(["/api/harness/runs", "/api/harness/documents", "/api/harness/documents/search"]),
  );
  const stream = await openStream(door, door.keys.ours);
  await until(
    "the stream has told of both",
    () => stream.text.includes(OURS) && stream.text.includes(THEIRS),
  );
});
