// The product as a child process, killed with SIGKILL again and again while a run is under way: the run is never lost,
// always ends, and what must happen once happens once. Counted at the tool sink, outside of the harness.

import { type Approval, type Run, runSchema, runSummarySchema } from "@assent/contract";
import { startToolSink, type ToolSink } from "@assent/suite";
import fc from "fast-check";
import { expect } from "vitest";
import { z } from "zod";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { until } from "../until.ts";
import { createInstallation, type Installation } from "./installation.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

type Request = {
  readonly method?: "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

async function api(url: string, key: string, path: string, request: Request = {}): Promise<Response> {
  return await fetch(`${url}${path}`, {
    ...request,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...request.headers },
  });
}

/** The approver looks at the sink before answering a question about a call in doubt, as a person would look. */
function answerTo(approval: Approval, sink: ToolSink): Record<string, unknown> {
  const { id, action_digest, subject } = approval;
  const happened = [...sink.effects().values()].some((times) => times > 0);
  if (subject === "in_doubt" && happened)
    return { approval_id: id, decision: "confirm", action_digest, comment: "The sink has it." };
  return { approval_id: id, decision: "approve", action_digest };
}

async function submit(server: ServerProcess, key: string, installation: Installation): Promise<string> {
  const response = await api(server.url, key, "/api/harness/run", {
    method: "POST",
    headers: { "idempotency-key": "the-run" },
    body: JSON.stringify(installation.gatedTask.body),
  });
  expect(response.status).toBe(202);
  return runSummarySchema.parse(await response.json()).id;
}

async function readRun(server: ServerProcess, key: string, id: string): Promise<Run> {
  return runSchema.parse(await (await api(server.url, key, `/api/harness/runs/${id}`)).json());
}

/** Goes on until the run has ended or has the given version, answering what it asks on the way. */
async function carryOn(
  server: ServerProcess,
  key: string,
  id: string,
  version: number,
  sink: ToolSink,
): Promise<Run> {
  return await until(
    `run ${id} goes on`,
    async () => {
      const run = await readRun(server, key, id);
      if (run.finished_at !== null || run.version >= version) return run;
      const open = run.approvals.find(({ status }) => status === "open");
      if (open !== undefined)
        await api(server.url, key, "/api/harness/approve", {
          method: "POST",
          body: JSON.stringify(answerTo(open, sink)),
        });
      return undefined;
    },
    90_000,
  );
}

type Scene = {
  readonly sink: ToolSink;
  readonly installation: Installation;
  server: ServerProcess;
  readonly key: string;
};

async function withServer(play: (scene: Scene) => Promise<void>): Promise<void> {
  const sink = await startToolSink();
  const installation = createInstallation(sink.url);
  const scene: Scene = {
    sink,
    installation,
    server: await startServerProcess(installation),
    key: readCredentials(installation.home)?.key ?? "",
  };
  try {
    await play(scene);
  } finally {
    await scene.server.stop();
    await sink.stop();
    installation.remove();
  }
}

/** A run outlives the SIGKILLs of its server, and its effect happens once. */
export async function killAgainAndAgain(seed: number, count: number): Promise<void> {
  // Events after which the server is killed, counted from the one it saw last: any of a run's moments can be hit.
  const kills = fc.sample(fc.integer({ min: 0, max: 4 }), { seed, numRuns: count });
  await withServer(async (scene) => {
    const { sink, installation, key } = scene;
    const id = await submit(scene.server, key, installation);
    let seen = 1;
    for (const more of kills) {
      const run = await carryOn(scene.server, key, id, seen + more, sink);
      seen = run.version;
      await scene.server.kill();
      scene.server = await startServerProcess(installation);
      // The requester was cut off too and repeats the request: it is the same run.
      expect(await submit(scene.server, key, installation)).toBe(id);
    }
    const run = await carryOn(scene.server, key, id, Number.POSITIVE_INFINITY, sink);
    expect(run.status).toBe("succeeded");
    expect([...sink.effects().values()]).toEqual([1]);
    expect(run.artifacts.map(({ name }) => name)).toEqual(["answer.md", "changes.patch"]);
    const writes = run.steps.filter((step) => step.kind === "tool" && step.name === "write_file");
    expect(writes.map(({ state }) => state)).toEqual(["succeeded"]);
  });
}

/** Killed inside the tool, after the effect and before its answer: a person is asked, and it stays one effect. */
export async function killInsideTheTool(): Promise<void> {
  await withServer(async (scene) => {
    const { sink, installation, key } = scene;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    sink.cue({
      do: "apply_then",
      hook: async () => {
        await scene.server.kill();
        resolve(undefined);
      },
    });
    const id = await submit(scene.server, key, installation);
    void carryOn(scene.server, key, id, Number.POSITIVE_INFINITY, sink).catch(() => undefined);
    await promise;
    scene.server = await startServerProcess(installation);
    const run = await carryOn(scene.server, key, id, Number.POSITIVE_INFINITY, sink);
    expect(run.status).toBe("succeeded");
    expect(run.approvals.map(({ subject, status }) => `${subject} ${status}`)).toEqual([
      "action spent",
      "action spent",
      "in_doubt spent",
    ]);
    expect([...sink.effects().values()]).toEqual([1]);
  });
}

/** Submissions with one key are one run; different ones at once are as many runs, and all finish. */
export async function submitAtOnce(sameCount: number, differentCount: number): Promise<void> {
  await withServer(async ({ server, key, installation }) => {
    const post = async (idempotencyKey: string): Promise<Response> =>
      await api(server.url, key, "/api/harness/run", {
        method: "POST",
        headers: { "idempotency-key": idempotencyKey },
        body: JSON.stringify(installation.plainTask),
      });
    const same = await Promise.all(Array.from({ length: sameCount }, async () => await post("one")));
    expect(same.map(({ status }) => status)).toEqual(Array.from({ length: sameCount }, () => 202));
    const bodies = await Promise.all(same.map(async (response) => await response.text()));
    expect(new Set(bodies).size).toBe(1);
    const different = await Promise.all(
      Array.from({ length: differentCount }, async (_, index) => await post(`n${index}`)),
    );
    expect(different.filter(({ status }) => status !== 202)).toEqual([]);
    const listed = await until(
      "all runs have ended",
      async () => {
        const ids = new Set<string>();
        let cursor: string | null = null;
        do {
          const query: string = cursor === null ? "" : `&cursor=${cursor}`;
          const page = await api(server.url, key, `/api/harness/runs?limit=100&status=succeeded${query}`);
          const body = pageSchema.parse(await page.json());
          for (const { id } of body.data) ids.add(id);
          cursor = body.next_cursor;
        } while (cursor !== null);
        return ids.size > differentCount ? ids : undefined;
      },
      240_000,
    );
    expect(listed.size).toBe(differentCount + 1);
  });
}

const pageSchema = z.object({ data: z.array(runSummarySchema), next_cursor: z.string().nullable() });
