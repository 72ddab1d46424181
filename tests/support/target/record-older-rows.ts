// Records what an older program leaves in the database, for tests that have no history to take that program from:
//
//   node --conditions=assent-source tests/support/target/record-older-rows.ts <commit>
//
// Needs a clone with that commit. Its runs are one that was just queued, one that waits for a person, one that a person
// has decided about, one whose call was made when everybody stopped, and one that is driven from outside.

import { readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { actionAnswerSchema, type Run, runSchema, runSummarySchema } from "@assent/contract";
import { startToolSink } from "@assent/suite";
import { connectPool } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { openEmbedded } from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { until } from "../until.ts";
import { endMember, type Member, spawnMember, untilReady } from "./fleet-member.ts";
import { createInstallation } from "./installation.ts";
import { OLDER_ROWS_FILE, OLDER_TABLES, type OlderRows } from "./older-rows.ts";
import { checkOutOlderProgram } from "./program-copy.ts";
import { temporaryFolder } from "./rolling-upgrade.ts";

const [, , commit = ""] = process.argv;
if (!/^[0-9a-f]{7,40}$/u.test(commit)) throw new Error("name the commit of the older program");

await using stack = new AsyncDisposableStack();
const program = checkOutOlderProgram(temporaryFolder(stack), commit);
const sink = await startToolSink();
stack.defer(async () => {
  await sink.stop();
});
const installation = createInstallation(sink.url);
stack.defer(() => {
  installation.remove();
});
const start = async (role: Member["role"]): Promise<Member> => {
  const member = spawnMember(installation, role, program);
  stack.defer(async () => {
    await endMember(member, "SIGTERM");
  });
  await untilReady(member);
  return member;
};
const server = await start("server");
const worker = await start("worker");
let keys = 0;
async function call(path: string, body?: unknown): Promise<unknown> {
  keys += 1;
  const answer = await fetch(`${server.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${readCredentials(installation.home)?.key ?? ""}`,
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "idempotency-key": `record-${keys}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}
const read = async (id: string): Promise<Run> =>
  runSchema.loose().parse(await call(`/api/harness/runs/${id}`));
const submit = async (body: unknown): Promise<string> =>
  runSummarySchema.loose().parse(await call("/api/harness/run", body)).id;
const booking = { agent: "booker-1", task: "Book, and break off." };
const waits = async (id: string): Promise<Run> =>
  await until("it waits", async () => {
    const run = await read(id);
    return run.status === "awaiting_approval" ? run : undefined;
  });
const approve = async (id: string): Promise<void> => {
  const open = (await waits(id)).approvals.find(({ status }) => status === "open");
  await call("/api/harness/approve", {
    approval_id: open?.id,
    decision: "approve",
    action_digest: open?.action_digest,
  });
};

const runs = {
  waiting: await submit(booking),
  decided: await submit(booking),
  begun: await submit(booking),
  driven: await submit({
    driver: "external",
    task: "Look it up.",
    approver: "none",
    tools: [{ name: "look_up", effect: "none", harm: [], control_arguments: [], returns: "trusted" }],
  }),
};
await waits(runs.waiting);
await waits(runs.decided);
sink.cue({ do: "apply_then", hook: async () => await endMember(worker, "SIGKILL") });
await approve(runs.begun);
await until("the worker died in the call", () => worker.child.signalCode !== null);
await approve(runs.decided);
const queued = await submit(booking);
const acted = await call(`/api/harness/runs/${runs.driven}/actions`, { tool: "look_up", arguments: {} });
const { action_id: action } = actionAnswerSchema.loose().parse(acted);
await endMember(server, "SIGTERM");

const embedded = await openEmbedded({ folder: installation.home });
if (!embedded.ok) throw new Error(embedded.error.message);
await using database = embedded.value;
const pool = connectPool({ connection: database.connection("owner"), role: "owner", connectionsMax: 1 });
const tables: Record<string, unknown[]> = {};
for (const table of OLDER_TABLES) {
  const { rows } = await pool.query<{ row: unknown }>(`select row_to_json(t) as row from assent.${table} t`);
  tables[table] = rows.map(({ row }) => row);
}
await pool.end();
const migrations = join(dirname(program), "../src/adapters/postgres/migrations");
const version = Math.max(
  ...readdirSync(migrations).flatMap((name) => (name.endsWith(".sql") ? [Number(name.slice(0, 4))] : [])),
);
const recorded: OlderRows = { commit, version, runs: { ...runs, queued }, action, tables };
writeFileSync(fileURLToPath(OLDER_ROWS_FILE), `${JSON.stringify(recorded, null, 2)}\n`);
