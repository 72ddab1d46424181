// Two versions of the program on one Postgres, with runs that pass from one to the other in both directions.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Run, runSchema, runSummarySchema } from "@assent/contract";
import { startToolSink, type ToolSink } from "@assent/suite";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { until } from "../until.ts";
import { readEvidence } from "./fleet-evidence.ts";
import { endMember, type Member, spawnMember, untilReady } from "./fleet-member.ts";
import { createInstallation, type Installation } from "./installation.ts";

const STEP_MS_MAX = 120_000;

export type Roll = AsyncDisposable & {
  readonly sink: ToolSink;
  start(role: Member["role"], program: string): Promise<Member>;
  /** Takes it out of service as an operator does: SIGTERM, and it hands back what it holds. */
  retire(member: Member): Promise<void>;
  /** What a program says that does not start. */
  refusal(role: Member["role"], program: string): Promise<number | null>;
  submit(server: Member): Promise<string>;
  read(server: Member, id: string): Promise<Run>;
  /** Waits until so many of the run's questions have been answered and the next one is open. */
  waits(server: Member, id: string, answered: number): Promise<Run>;
  approve(server: Member, id: string): Promise<void>;
  /**
   * Until the run has ended, or a newer program asks once more since the older one noted of no call where it was to go: then
   * that is approved. Programs up to 0056 note nothing.
   */
  approveMoved(server: Member, id: string): Promise<void>;
  ends(server: Member, id: string): Promise<Run>;
  /** What `assent audit verify --db --state` of this program says of what both have recorded. */
  auditFindings(): Promise<readonly string[]>;
};

/** A folder for a program, removed with the roll. */
export function temporaryFolder(stack: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), "assent-version-"));
  stack.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

type Scene = { readonly installation: Installation; readonly members: Member[] };

async function call(
  { installation }: Scene,
  server: Member,
  path: string,
  sent?: { readonly body: unknown; readonly key?: string },
): Promise<unknown> {
  const response = await fetch(`${server.url}${path}`, {
    method: sent === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${readCredentials(installation.home)?.key ?? ""}`,
      ...(sent === undefined ? {} : { "content-type": "application/json" }),
      ...(sent?.key === undefined ? {} : { "idempotency-key": sent.key }),
    },
    ...(sent === undefined ? {} : { body: JSON.stringify(sent.body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

async function start(scene: Scene, role: Member["role"], program: string): Promise<Member> {
  const member = spawnMember(scene.installation, role, program);
  scene.members.push(member);
  await untilReady(member);
  return member;
}

async function approveOpen(scene: Scene, server: Member, run: Run): Promise<void> {
  const open = run.approvals.find(({ status }) => status === "open");
  if (open === undefined) throw new Error(`run ${run.id} asks nothing`);
  await call(scene, server, "/api/harness/approve", {
    body: { approval_id: open.id, decision: "approve", action_digest: open.action_digest },
  });
}

const isAskedToMove = ({ approvals }: Run): boolean =>
  approvals.some(
    ({ status, decision }) => status === "open" && decision.reasons.some(({ code }) => code === "tool_moved"),
  );

// An older program makes its own: one that a newer one has made it refuses.
function installationWithoutDatabase(sinkUrl: string): Installation {
  const installation = createInstallation(sinkUrl);
  rmSync(join(installation.home, "postgres"), { recursive: true, force: true });
  return installation;
}

async function retire(member: Member): Promise<void> {
  await endMember(member, "SIGTERM");
}

export async function openRoll(): Promise<Roll> {
  const stack = new AsyncDisposableStack();
  const sink = await startToolSink();
  stack.defer(async () => {
    await sink.stop();
  });
  const installation = installationWithoutDatabase(sink.url);
  stack.defer(() => {
    installation.remove();
  });
  const scene: Scene = { installation, members: [] };
  stack.defer(async () => {
    for (const member of scene.members.toReversed()) await endMember(member, "SIGTERM");
  });
  let runs = 0;
  const read = async (server: Member, id: string): Promise<Run> =>
    runSchema.loose().parse(await call(scene, server, `/api/harness/runs/${id}`));
  const awaits = async (what: string, server: Member, id: string, is: (run: Run) => boolean): Promise<Run> =>
    await until(
      what,
      async () => {
        const run = await read(server, id);
        return is(run) ? run : undefined;
      },
      STEP_MS_MAX,
    );
  return {
    sink,
    start: async (role, program) => await start(scene, role, program),
    retire,
    refusal: async (role, program) => {
      const member = spawnMember(scene.installation, role, program);
      scene.members.push(member);
      await until("it starts or ends", () => member.isReady || member.child.exitCode !== null, STEP_MS_MAX);
      return member.child.exitCode;
    },
    submit: async (server) => {
      runs += 1;
      const sent = { body: installation.gatedTask.body, key: `roll-${runs}` };
      return runSummarySchema.loose().parse(await call(scene, server, "/api/harness/run", sent)).id;
    },
    read,
    auditFindings: async () => (await readEvidence(installation)).auditFindings,
    waits: async (server, id, answered) =>
      await awaits(
        `run ${id} asks again`,
        server,
        id,
        ({ approvals, status }) => status === "awaiting_approval" && approvals.length === answered + 1,
      ),
    approve: async (server, id) => {
      await approveOpen(scene, server, await read(server, id));
    },
    approveMoved: async (server, id) => {
      const run = await awaits(
        `run ${id} ends or asks about the place`,
        server,
        id,
        (seen) => seen.finished_at !== null || isAskedToMove(seen),
      );
      if (isAskedToMove(run)) await approveOpen(scene, server, run);
    },
    ends: async (server, id) =>
      await awaits(`run ${id} ends`, server, id, ({ finished_at }) => finished_at !== null),
    [Symbol.asyncDispose]: async () => {
      await stack.disposeAsync();
    },
  };
}
