// The least that a run can be, in a process of its own: two requests, a tool's call, and as many statements as are aimed
// at, each an insert of rows without a check. Nothing is decided, proved, or kept from anybody (least.bench.ts).

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { Pool } from "pg";
import { z } from "zod";
import { openEmbedded } from "../../packages/harness/src/adapters/postgres/embedded/embedded.ts";

const [folder = "", sinkUrl = "", inFlight = "16", areReadsLeftOut = "no"] = process.argv.slice(2);

const opened = await openEmbedded({ folder });
if (!opened.ok) throw new Error(opened.error.message);
const server = opened.value;
const pool = new Pool({ ...server.connection("owner"), max: Number(inFlight) });

// The server stops with the last who uses it, while connections are still closing.
pool.on("error", () => undefined);

/** As short as an event can be that names its kind, its actor and a digest. */
const EVENT = "e".repeat(200);
let statements = 0;

/** One commit: rows of the journal, and the run's own row. */
async function write(run: string, first: number, events: number): Promise<void> {
  statements += 1;
  await pool.query({
    name: "write",
    text: `with journal as (
        insert into public.least_events
        select $1::uuid, n, $2 from generate_series($3::int, $3::int + $4::int - 1) n)
      insert into public.least_runs values ($1, 1)
      on conflict (id) do update set version = least_runs.version + 1`,
    values: [run, EVENT, first, events],
  });
}

async function read(run: string): Promise<void> {
  if (areReadsLeftOut === "yes") return;
  statements += 1;
  await pool.query({
    name: "read",
    text: "select version from public.least_runs where id = $1",
    values: [run],
  });
}

/** Taken, a model's answer, a question. */
async function goOn(run: string): Promise<void> {
  await write(run, 2, 2);
  await read(run);
  await write(run, 4, 3);
  await read(run);
  await write(run, 7, 3);
  process.send?.({ waits: run });
}

/** Taken again, a tool's call with what it meant and what came of it, the end. */
async function finish(run: string): Promise<void> {
  await read(run);
  await read(run);
  await write(run, 12, 2);
  await read(run);
  await write(run, 14, 3);
  const told = await fetch(sinkUrl, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": run },
    body: JSON.stringify({ text: "entered" }),
  });
  await told.text();
  await write(run, 17, 3);
  await read(run);
  process.send?.({ ended: run });
}

const bodySchema = z.strictObject({ run: z.string() });

async function answer(request: IncomingMessage): Promise<string> {
  const body: unknown = JSON.parse(await text(request));
  if (request.url === "/submit") {
    const run = randomUUID();
    await write(run, 0, 2);
    void goOn(run);
    return run;
  }
  const { run } = bodySchema.parse(body);
  await write(run, 10, 2);
  void finish(run);
  return run;
}

const app = createServer((request, response) => {
  void (async () => {
    const run = await answer(request);
    response.setHeader("content-type", "application/json").end(JSON.stringify({ run }));
  })();
});

process.on("message", (asked) => {
  if (asked === "stats") {
    const { user, system } = process.cpuUsage();
    process.send?.({ statements, cpuMs: (user + system) / 1_000 });
    return;
  }
  void (async () => {
    app.closeAllConnections();
    app.close();
    await pool.end();
    await server[Symbol.asyncDispose]();
    process.exit(0);
  })();
});
process.on("disconnect", () => process.exit(1));
app.listen(0, "127.0.0.1");
await once(app, "listening");
const address = app.address();
process.send?.({
  url: typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "",
});
