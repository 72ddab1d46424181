// Half of all commits break off, each on its own connection: before Postgres has heard of them, while it is at them, or
// when it has committed and nobody hears that. Whoever sent one does not know what became of it, finds out or is told to
// ask again, and nothing is lost and nothing happens twice (invariants 1 journal-first, 2 at-most-once, 6 one key, one run,
// 16 fenced).

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { approvalSchema, runSchema, runSummarySchema } from "@assent/contract";
import { expect, test } from "vitest";
import { openEmbedded } from "../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { randomFrom } from "../../packages/suite/src/chance.ts";
import { type CommitKind, type CutMoment, startCommitCutter } from "../support/commit-cutter.ts";
import { ask, type Fleet } from "../support/target/fleet-client.ts";
import { readEvidence } from "../support/target/fleet-evidence.ts";
import { openSmallFleet } from "../support/target/small-fleet.ts";
import { until } from "../support/until.ts";

const SEED = 7;
const RUNS = 40;
const IN_FLIGHT = 20;
/** A worker that does not know that it has a run gives it back with the lease's end; that can happen more than once. */
const RUN_MS_MAX = 900_000;

const KINDS: readonly CommitKind[] = [
  "submit",
  "lease",
  "begin",
  "gate",
  "decide",
  "intent",
  "result",
  "end",
];
const MOMENTS: readonly CutMoment[] = ["before", "during", "after"];

type Played = { readonly status: string; readonly doubts: number; readonly repeats: readonly boolean[] };

/** What was decided; the proof of it comes with an answer that is given when there is one. */
const withoutReceipt = (answer: string = "{}"): string =>
  JSON.stringify({ ...approvalSchema.parse(JSON.parse(answer)), receipt: null });

async function play(fleet: Fleet, index: number): Promise<Played> {
  const submission = {
    method: "POST",
    key: `run-${index}`,
    body: { agent: "notary", task: `Put number ${index} on record.` },
  } as const;
  const submitted = await ask(fleet, "/api/harness/run", submission);
  const first = await submitted.text();
  expect([submitted.status, first]).toEqual([202, expect.stringContaining("run_")]);
  const { id } = runSummarySchema.parse(JSON.parse(first));
  const read = async (): Promise<ReturnType<typeof runSchema.parse>> =>
    runSchema.parse(await (await ask(fleet, `/api/harness/runs/${id}`)).json());
  const open = await until(
    `somebody is asked about ${id}`,
    async () => (await read()).approvals.find(({ status }) => status === "open"),
    RUN_MS_MAX,
    200,
  );
  const body = { approval_id: open.id, decision: "approve", action_digest: open.action_digest };
  const decision = { method: "POST", key: `yes-${index}`, body } as const;
  const decided = await ask(fleet, "/api/harness/approve", decision);
  const word = await decided.text();
  expect([decided.status, word]).toEqual([200, expect.stringContaining(open.id)]);
  expect(approvalSchema.parse(JSON.parse(word)).status).toBe("approved");
  const ended = await until(
    `run ${id} ends`,
    async () => {
      const run = await read();
      return ["succeeded", "failed", "dead_lettered"].includes(run.status) ||
        run.approvals.some(({ subject }) => subject === "in_doubt")
        ? run
        : undefined;
    },
    RUN_MS_MAX,
    200,
  );
  const again = [
    await ask(fleet, "/api/harness/run", submission),
    await ask(fleet, "/api/harness/approve", decision),
  ];
  return {
    status: ended.status,
    doubts: ended.approvals.filter(({ subject }) => subject === "in_doubt").length,
    repeats: [
      (await again[0]?.text()) === first,
      withoutReceipt(await again[1]?.text()) === withoutReceipt(word),
    ],
  };
}

test(`with half of all commits cut off, every run ends as it should (seed ${SEED})`, async () => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "assent-cut-"));
  stack.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  // When we are root, the database's own user has to pass through.
  chmodSync(folder, 0o711);
  const opened = await openEmbedded({ folder });
  if (!opened.ok) throw new Error(opened.error.message);
  const postgres = stack.use(opened.value);
  const app = postgres.connection("app");
  const owner = postgres.connection("owner");
  const cutter = await startCommitCutter(join(app.host, `.s.PGSQL.${app.port}`), stack);
  const login = ({ user, password }: typeof app): string =>
    [user, password()].map(encodeURIComponent).join(":");
  const environment = {
    DATABASE_URL: `postgres://${login(app)}@127.0.0.1:${cutter.port}/${app.database}`,
    DATABASE_MIGRATION_URL: `postgres://${login(owner)}@localhost:${owner.port}/${owner.database}?host=${encodeURIComponent(owner.host)}`,
  };
  const fleet = await openSmallFleet(
    stack,
    ["server", environment],
    ["server", environment],
    ["worker", environment],
    ["worker", environment],
  );
  const next = randomFrom(SEED);
  cutter.choose = () => (next() < 0.5 ? (MOMENTS[Math.floor(next() * MOMENTS.length)] ?? null) : null);
  const played: Played[] = [];
  let begun = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (begun < RUNS) {
        begun += 1;
        played.push(await play(fleet, begun));
      }
    }),
  );
  cutter.choose = () => null;
  expect(played).toEqual(
    Array.from({ length: RUNS }, () => ({ status: "succeeded", doubts: 0, repeats: [true, true] })),
  );
  expect([...fleet.sink.effects().values()]).toEqual(Array.from({ length: RUNS }, () => 1));
  // A kind of commit that was never cut has shown nothing.
  const uncut = KINDS.flatMap((kind) =>
    MOMENTS.map((moment) => `${kind} ${moment}`).filter((name) => !cutter.cut().has(name)),
  );
  expect(uncut).toEqual([]);
  expect(fleet.members.map(({ child }) => child.exitCode)).toEqual(fleet.members.map(() => null));
  await fleet.endAll();
  expect(await readEvidence({ ...fleet.installation, environment }, owner)).toMatchObject({
    stored: { succeeded: RUNS },
    contradictions: [],
    auditFindings: [],
  });
});
