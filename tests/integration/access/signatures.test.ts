// Signed requests over two real servers (invariant 7, accepted once): captured bytes are worth nothing to whoever has
// them, at any time, on any path, on any server.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RequestSigningKey, signRequest } from "../../../packages/harness/src/client/gate.ts";
import { createServer } from "../../../packages/harness/src/api/server.ts";
import { createClockWatch } from "../../../packages/harness/src/services/clock-watch.ts";
import { shiftableClock } from "../../support/shiftable-clock.ts";
import { ask, bearer, type Edge, openEdge } from "./support.ts";

let edge: Edge;
let admin: string;
let caller: { key: string; signing: RequestSigningKey };
beforeAll(async () => {
  edge = await openEdge();
  admin = await edge.engine.newKey("admin", "default", { roles: ["admin"] });
  caller = { key: await newMustSignKey("robot"), signing: await newSigningKey("robot") };
});
afterAll(async () => await edge[Symbol.asyncDispose]());

const RUN = "/api/harness/run";

async function newMustSignKey(name: string): Promise<string> {
  const made = await ask(edge.urls[0], admin, "POST", "/api/harness/keys", {
    principal: { name, kind: "service" },
    scopes: [],
    roles: ["requester"],
    must_sign: true,
  });
  return String(made.body["secret"]);
}

async function newSigningKey(
  name: string,
  algorithm: "hmac-sha256" | "ed25519" = "hmac-sha256",
): Promise<RequestSigningKey> {
  const pair = generateKeyPairSync("ed25519");
  const x = pair.publicKey.export({ format: "jwk" }).x;
  const made = await ask(edge.urls[0], admin, "POST", "/api/harness/signing-keys", {
    principal: { name, kind: "service" },
    algorithm,
    ...(algorithm === "ed25519" ? { public_key: x } : {}),
  });
  expect(made.status).toBe(201);
  const id = String(made.body["id"]);
  if (algorithm === "hmac-sha256") return { id, algorithm, secret: String(made.body["secret"]) };
  return { id, algorithm, privateKey: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

type Captured = {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
};

// What an eavesdropper has. The server's clock is the engine's, which tests move.
function capture(
  signing: RequestSigningKey,
  change: {
    path?: string;
    method?: string;
    body?: string | null;
    idempotencyKey?: string;
    createdMs?: number;
  } = {},
): Captured {
  const { method = "POST", path = RUN, createdMs = 0 } = change;
  const body = change.body === undefined ? JSON.stringify({ agent: "tester", task: "Do it." }) : change.body;
  const headers: Record<string, string> = {
    ...(body === null ? {} : { "content-type": "application/json" }),
    ...(method === "GET"
      ? {}
      : { "idempotency-key": change.idempotencyKey ?? randomBytes(8).toString("hex") }),
  };
  const signed = signRequest(
    { method, url: edge.urls[0] + path, headers, ...(body === null ? {} : { body }) },
    signing,
    {
      now: new Date(edge.engine.clock.now().getTime() + createdMs),
      nonce: randomBytes(16).toString("hex"),
    },
  );
  return { method, headers: { ...headers, ...signed }, body };
}

async function send(
  captured: Captured,
  { url = edge.urls[0], path = RUN, key = caller.key }: { url?: string; path?: string; key?: string } = {},
): Promise<{ status: number; code: unknown; id: unknown; replayed: string | null }> {
  const { port } = new URL(url);
  // The name stays what was signed, whichever server is asked: as behind one proxy.
  const answer = await rawRequest(Number(port), path, {
    ...captured,
    headers: { ...captured.headers, ...bearer(key), host: new URL(edge.urls[0]).host },
  });
  return answer;
}

async function rawRequest(port: number, path: string, { method, headers, body }: Captured) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    code: unknown;
    id: unknown;
    replayed: string | null;
  }>();
  const outgoing = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.on("end", () => {
      const json: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
      const found = typeof json === "object" && json !== null ? json : {};
      const replayed = answer.headers["idempotent-replayed"];
      resolve({
        status: answer.statusCode ?? 0,
        code: "code" in found ? found.code : null,
        id: "id" in found ? found.id : null,
        replayed: typeof replayed === "string" ? replayed : null,
      });
    });
  });
  outgoing.on("error", reject);
  outgoing.end(body ?? undefined);
  return await promise;
}

async function countRuns(): Promise<number> {
  const { rows } = await edge.engine.database
    .ownerPool()
    .query<{ count: string }>("select count(*) from assent.runs");
  return Number(rows[0]?.count);
}

async function refusals(): Promise<number> {
  const { rows } = await edge.engine.database
    .ownerPool()
    .query<{ count: string }>("select count(*) from assent.access_events where kind = 'signature_refused'");
  return Number(rows[0]?.count);
}

/** Refused with 401, leaving an event and no run. */
async function expectRefused(sent: () => ReturnType<typeof send>, code = "signature_refused"): Promise<void> {
  const [runs, events] = [await countRuns(), await refusals()];
  expect(await sent()).toMatchObject({ status: 401, code });
  expect([await countRuns(), await refusals()]).toEqual([runs, events + 1]);
}

test.each(["hmac-sha256", "ed25519"] as const)(
  "a request signed with %s is taken, once",
  async (algorithm) => {
    const signing = await newSigningKey("robot", algorithm);
    const captured = capture(signing);
    expect((await send(captured)).status).toBe(202);
    await expectRefused(async () => await send(captured));
  },
);

test("a retry is signed anew and keeps its idempotency key: it gets the first answer", async () => {
  const idempotencyKey = randomBytes(8).toString("hex");
  const first = await send(capture(caller.signing, { idempotencyKey }));
  const runs = await countRuns();
  const second = await send(capture(caller.signing, { idempotencyKey }), { url: edge.urls[1] });
  expect(second).toEqual({ ...first, replayed: "true" });
  expect(await countRuns()).toBe(runs);
});

describe("captured bytes are refused", () => {
  let captured: Captured;
  beforeAll(async () => {
    captured = capture(caller.signing);
    const { status } = await send(captured);
    if (status !== 202) throw new Error(`the captured request was answered with ${status}`);
  });

  test("in the same second", async () => {
    await expectRefused(async () => await send(captured));
  });
  test("on another server", async () => {
    await expectRefused(async () => await send(captured, { url: edge.urls[1] }));
  });
  test("on a server that was started since", async () => {
    const server = await createServer(edge.engine.again(), { log: () => undefined });
    try {
      const { url } = await server.listen("127.0.0.1", 0);
      await expectRefused(async () => await send(captured, { url }));
    } finally {
      await server.close();
    }
  });
  test("on another path", async () => {
    const fresh = capture(caller.signing);
    await expectRefused(async () => await send(fresh, { path: `${RUN}?x=1` }));
    await expectRefused(async () => await send(fresh, { path: "/api/harness/documents" }));
  });
  test("under another idempotency key, with another body, or as another method", async () => {
    const fresh = capture(caller.signing);
    await expectRefused(
      async () => await send({ ...fresh, headers: { ...fresh.headers, "idempotency-key": "other" } }),
    );
    await expectRefused(
      async () => await send({ ...fresh, body: JSON.stringify({ agent: "tester", task: "Do more." }) }),
    );
  });
  test("with another principal's key, of the tenant or of another", async () => {
    const colleague = await newMustSignKey("colleague");
    const stranger = await edge.engine.newKey("robot", "other-tenant");
    const fresh = capture(caller.signing);
    await expectRefused(async () => await send(fresh, { key: colleague }));
    await expectRefused(async () => await send(fresh, { key: stranger }));
  });
  test("at one moment, on both servers: one of them is taken", async () => {
    const fresh = capture(caller.signing);
    const runs = await countRuns();
    const all = await Promise.all(
      Array.from(
        { length: 20 },
        async (_, at) => await send(fresh, { url: edge.urls[at % 2 === 0 ? 0 : 1] }),
      ),
    );
    expect(all.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(all.filter(({ status }) => status === 401)).toHaveLength(19);
    expect(await countRuns()).toBe(runs + 1);
  });
});

test("clocks may differ by the window and not by more, and a nonce outlives every server's window", async () => {
  // Signatures are dated by whole seconds, so one of 299 s ago can be as good as 300 s old.
  for (const createdMs of [-298_000, 299_000])
    expect((await send(capture(caller.signing, { createdMs }))).status).toBe(202);
  for (const createdMs of [-302_000, 302_000])
    await expectRefused(async () => await send(capture(caller.signing, { createdMs })));
  const early = capture(caller.signing, { createdMs: 299_000 });
  expect((await send(early)).status).toBe(202);
  edge.engine.clock.advance(590_000);
  await edge.engine.store.sweepExpired(edge.engine.clock.now(), 1_000);
  await expectRefused(async () => await send(early));
});

/** A server whose clock goes by another time than the database's, and one that has noticed it. */
async function openAstray(offMs: number): Promise<AsyncDisposable & { url: string; noticing: string }> {
  const clock = shiftableClock();
  clock.advance(offMs);
  const { engine } = edge;
  const steadyMs = (): number => performance.now();
  const clockWatch = createClockWatch({ store: engine.store, clock, steadyMs, log: () => undefined });
  await clockWatch.look();
  const servers = [
    await createServer(engine.again({ clock }), { log: () => undefined }),
    await createServer(engine.again({ clock, clockWatch }), { log: () => undefined }),
  ];
  const [plain, noticing] = await Promise.all(
    servers.map(async (server) => (await server.listen("127.0.0.1", 0)).url),
  );
  return {
    url: plain ?? "",
    noticing: noticing ?? "",
    [Symbol.asyncDispose]: async () => {
      await clockWatch.stop();
      for (const server of servers) await server.close();
    },
  };
}

test("a process whose clock is ahead forgets no nonce for others", async () => {
  const captured = capture(caller.signing);
  expect((await send(captured)).status).toBe(202);
  await edge.engine.store.sweepExpired(new Date(edge.engine.clock.now().getTime() + 3_600_000), 1_000);
  await expectRefused(async () => await send(captured, { url: edge.urls[1] }));
});

test.each([-700_000, 700_000])(
  "a server whose clock is %i ms off lets nobody in; unnoticed, it takes nothing whose nonce may be forgotten",
  async (offMs) => {
    await using astray = await openAstray(offMs);
    const captured = capture(caller.signing);
    expect((await send(captured)).status).toBe(202);
    const createdMs = Date.now() + offMs - edge.engine.clock.now().getTime();
    const old = capture(caller.signing, { createdMs });
    await expectRefused(async () => await send(captured, { url: astray.url }));
    if (offMs < 0) await expectRefused(async () => await send(old, { url: astray.url }));
    const runs = await countRuns();
    for (const replayed of [captured, old])
      expect(await send(replayed, { url: astray.noticing })).toMatchObject({
        status: 503,
        code: "not_ready",
      });
    const ready = await fetch(`${astray.noticing}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([
      503,
      expect.stringContaining(
        `The clock here is 700 s ${offMs > 0 ? "ahead of" : "behind"} that of the database.`,
      ),
    ]);
    expect(await countRuns()).toBe(runs);
  },
);

test("a key that must sign opens nothing unsigned, on any kind of route", async () => {
  await expectRefused(
    async () => await send({ method: "GET", headers: {}, body: null }, { path: "/api/harness/runs" }),
    "signature_missing",
  );
  const { signature: _, "signature-input": __, ...unsigned } = capture(caller.signing).headers;
  await expectRefused(
    async () => await send({ method: "POST", headers: unsigned, body: "{}" }),
    "signature_missing",
  );
  const read = capture(caller.signing, { method: "GET", path: "/api/harness/runs?limit=1", body: null });
  expect((await send(read, { path: "/api/harness/runs?limit=1" })).status).toBe(200);
});

test("a wrong signature is refused also where none is demanded", async () => {
  const free = await edge.engine.newKey("robot", "default", { roles: ["requester"] });
  const fresh = capture(caller.signing);
  const broken = { ...fresh.headers, signature: "sig1=:AAAA:" };
  await expectRefused(async () => await send({ ...fresh, headers: broken }, { key: free }));
  expect((await send(fresh, { key: free })).status).toBe(202);
});

test("a wrong signature does not use the nonce up", async () => {
  const fresh = capture(caller.signing);
  await expectRefused(async () => await send({ ...fresh, body: "{}" }));
  expect((await send(fresh)).status).toBe(202);
});

test("a revoked signing key signs nothing more; a rotated one does for the overlap", async () => {
  const first = await newSigningKey("robot");
  const path = `/api/harness/signing-keys/${first.id}`;
  const rotated = await ask(edge.urls[0], admin, "POST", `${path}/rotate`, { overlap_seconds: 60 });
  const second: RequestSigningKey = {
    id: String(rotated.body["id"]),
    algorithm: "hmac-sha256",
    secret: String(rotated.body["secret"]),
  };
  expect((await send(capture(first))).status).toBe(202);
  edge.engine.clock.advance(60_000);
  await expectRefused(async () => await send(capture(first)));
  expect((await send(capture(second))).status).toBe(202);
  expect((await ask(edge.urls[1], admin, "DELETE", `/api/harness/signing-keys/${second.id}`)).status).toBe(
    200,
  );
  await expectRefused(async () => await send(capture(second)));
});

test("no secret of a signing key is in the database", async () => {
  const { rows } = await edge.engine.database
    .ownerPool()
    .query<{ row: string }>("select row_to_json(k)::text as row from assent.signing_keys k");
  const secret =
    caller.signing.algorithm === "hmac-sha256" ? Buffer.from(caller.signing.secret, "base64") : null;
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.map(({ row }) => row).join()).not.toContain(secret?.toString("hex"));
});
