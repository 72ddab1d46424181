// What an operator is alarmed by, from where it happens to where it is read: a gap in the evidence at `/readyz`, in the
// metrics and in the log, how far the evidence has come, and calls of a model that were repeated.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runSchema } from "@assent/contract";
import { expect, test, vi } from "vitest";
import { openEmbedded } from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { connectPool } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { startHarness } from "../../../packages/harness/src/assemble.ts";
import { fillHome } from "../../support/migrated-home.ts";
import { readEnvironment } from "../../../packages/harness/src/config.ts";
import { startOpenAiServer } from "../../../packages/suite/src/faults/openai-server.ts";
import { temporaryFolder } from "../files/repository.ts";
import { createForeignKey } from "../../support/target/people.ts";
import { until } from "../../support/until.ts";
import { startReceiver } from "../../support/webhook-receiver.ts";

const API_KEY = "sk-test-of-alarms";

// Nobody waits a minute for the next look at the balance.
vi.mock(import("../../../packages/harness/src/adapters/system/clock.ts"), async (importOriginal) => {
  const { systemClock } = await importOriginal();
  // Here, since this runs before the test's own imports have.
  const { soonerClock } = await import("../../support/sooner-clock.ts");
  const { CHECK_INTERVAL_MS } = await import("../../../packages/harness/src/services/audit/conservation.ts");
  return { systemClock: soonerClock(systemClock, CHECK_INTERVAL_MS, 50) };
});

function install(privateHost: string): { readonly home: string; readonly configFile: string } {
  const folder = temporaryFolder();
  chmodSync(folder, 0o711);
  const [home, configFile] = [join(folder, "home"), join(folder, "assent.config.json")];
  for (const name of ["home", "agents"]) mkdirSync(join(folder, name), { mode: 0o711 });
  fillHome(home);
  const agent = {
    name: "worker",
    description: "Answers.",
    system: "You answer.",
    models: ["openai-compatible/fake-1"],
    tools: [],
    workspace: "none",
    output_tokens_max: 100,
  };
  writeFileSync(join(folder, "agents", "worker.json"), JSON.stringify(agent));
  writeFileSync(
    configFile,
    JSON.stringify({
      agents: "agents",
      providers: { retries: { base_ms: 1 } },
      webhooks: { private_network: [privateHost] },
    }),
  );
  return { home, configFile };
}

/** The one value of a series without labels, or of those whose labels hold this text. */
function valueOf(metrics: string, name: string, label = ""): number | undefined {
  const line = metrics.split("\n").find((each) => each.startsWith(name) && each.includes(label));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

test("what is lost, repeated or recorded is told where operators look", async () => {
  await using started = new AsyncDisposableStack();
  const fault = { kind: "status", status: 503 } as const;
  const provider = await startOpenAiServer({ script: [{ fault }, { text: "Done." }], apiKey: API_KEY });
  started.use(provider);
  const receiver = started.use(await startReceiver());
  const { home, configFile } = install(new URL(receiver.url).host);
  const records: [string, string, unknown][] = [];
  const harness = await startHarness(
    {
      home,
      host: "127.0.0.1",
      port: 0,
      configFile,
      model: null,
      announce: false,
      environment: readEnvironment({
        ASSENT_OPENAI_COMPATIBLE_BASE_URL: provider.url,
        ASSENT_OPENAI_COMPATIBLE_API_KEY: API_KEY,
      }),
      log: (level, message, fields) => void records.push([level, message, fields]),
    },
    () => undefined,
  );
  if (!harness.ok) throw new Error(harness.error.detail);
  started.defer(async () => await harness.value.stop());
  const { url, adminKey } = harness.value;
  const headers = { authorization: `Bearer ${adminKey}`, "content-type": "application/json" };
  const metrics = async (): Promise<string> => await (await fetch(`${url}/metrics`, { headers })).text();
  const readiness = async (): Promise<unknown> => await (await fetch(`${url}/readyz`)).json();

  const hooked = await fetch(`${url}/api/harness/webhooks`, {
    method: "POST",
    headers,
    body: JSON.stringify({ url: receiver.url, events: ["run.ended"] }),
  });
  expect(hooked.status).toBe(201);
  const body = JSON.stringify({ agent: "worker", task: "Answer." });
  const submitted = await fetch(`${url}/api/harness/run`, {
    method: "POST",
    headers: { ...headers, "idempotency-key": "one" },
    body,
  });
  const location = submitted.headers.get("location") ?? expect.unreachable();
  const run = await until("the run ends", async () => {
    const now = runSchema.parse(await (await fetch(new URL(location, url), { headers })).json());
    return now.finished_at === null ? undefined : now;
  });
  expect([run.status, provider.requests.length]).toEqual(["succeeded", 2]);
  expect(valueOf(await metrics(), "assent_provider_retries_total", '="answered"')).toBe(1);
  await until("whoever wants to be told of ends is told", () => receiver.received.length > 0);
  expect(receiver.received.map(({ type }) => type)).toEqual(["run.ended"]);
  await until(
    "and it is counted",
    async () => valueOf(await metrics(), "assent_webhooks_attempts_total", '="delivered"') === 1,
  );

  const server = await openEmbedded({ folder: home });
  if (!server.ok) throw new Error(server.error.message);
  started.use(server.value);
  const owner = connectPool({
    connection: server.value.connection("owner"),
    role: "owner",
    connectionsMax: 1,
  });
  started.defer(async () => {
    await owner.end();
  });
  // What all tenants share is not a guest's to see, whatever the guest may do at home.
  const guest = await createForeignKey(home, owner, { scopes: [], roles: ["admin"] });
  const asGuest = async (path: string): Promise<number> =>
    (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${guest}` } })).status;
  expect([await asGuest("/api/harness/audit/logs"), await asGuest("/metrics")]).toEqual([200, 403]);
  const recorded = await owner.query<{ count: string }>(
    "select (select count(*) from assent.audit_events) + (select count(*) from assent.audit_facts) as count",
  );
  const events = Number(recorded.rows[0]?.count);
  expect(events).toBeGreaterThan(4);
  await until("all of it has its place", async () => {
    const told = valueOf(await metrics(), "assent_audit_head_seq");
    return told !== undefined && told >= events;
  });

  expect(await readiness()).toMatchObject({ status: "ready", audit_gaps: 0 });
  expect(valueOf(await metrics(), "assent_audit_gap")).toBe(0);

  // What was erased and is in a backup still, since an hour ago.
  const uncovered = async (): Promise<number | undefined> =>
    valueOf(await metrics(), "assent_audit_uncovered_age");
  expect(await uncovered()).toBe(0);
  await owner.query(
    `insert into assent.sealed_keys (tenant_id, id, generation, wrapped)
     select gen_random_uuid(), sha256('erased'), k.generation, decode(repeat('00', 80), 'hex')
     from assent.sealing_keys k where k.retired_at is null;
     update assent.sealed_keys set wrapped = null, erased_at = now() - interval '1 hour' where id = sha256('erased')`,
  );
  expect(await uncovered()).toBeGreaterThanOrEqual(3_600);
  expect(await uncovered()).toBeLessThan(7_200);
  expect(records.filter(([level]) => level === "error")).toEqual([]);
  const removed = await owner.query(
    `alter table assent.audit_events disable trigger user;
     delete from assent.audit_events where kind in ('run_queued', 'run_leased');
     alter table assent.audit_events enable trigger user`,
  );
  expect(removed).toMatchObject([{}, { rowCount: 2 }, {}]);
  const isTold = async () => Reflect.get(Object(await readiness()), "audit_gaps") === 1;
  await until("the alarm is given", isTold);
  expect(await readiness()).toMatchObject({ status: "ready", audit_gaps: 1 });
  expect(valueOf(await metrics(), "assent_audit_gap")).toBe(2);
  const tenant: unknown = expect.stringMatching(/^ten_[0-9a-f]{32}$/);
  expect(records.filter(([level]) => level === "error")).toEqual([
    ["error", "a tenant's log does not balance", { tenant_id: tenant, lost: -2, missing: 0 }],
  ]);
});
