// A machine is lost and its backup put back: home and database as they were when the server stood still. What waited for a
// person still waits, under the same digest, and can be approved once; keys of before are known; the history verifies.

import { execFile, execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Approval, type Run, runSchema, runSummarySchema } from "@assent/contract";
import { startToolSink } from "@assent/suite";
import { expect, test } from "vitest";
import { z } from "zod";
import { readCredentials } from "../../packages/harness/src/home.ts";
import { createInstallation, type Installation } from "../support/target/installation.ts";
import { startServerProcess } from "../support/target/server-process.ts";
import { until } from "../support/until.ts";

const PROGRAM = fileURLToPath(new URL("../../packages/harness/bin/assent.mjs", import.meta.url));

/** Owners, times and rights are part of a backup: the database's files belong to its own user. */
const copy = (from: string, to: string): void => {
  execFileSync("cp", ["-a", from, to]);
};

function talkTo(url: string, key: string) {
  const ask = async (path: string, body?: unknown, idempotencyKey?: string): Promise<Response> =>
    await fetch(`${url}${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      },
    });
  const read = async (id: string): Promise<Run> =>
    runSchema.parse(await (await ask(`/api/harness/runs/${id}`)).json());
  return {
    submit: async ({ gatedTask }: Installation): Promise<string> =>
      runSummarySchema.parse(await (await ask("/api/harness/run", gatedTask.body, "the-run")).json()).id,
    approve: async ({ id, action_digest }: Approval): Promise<number> =>
      (await ask("/api/harness/approve", { approval_id: id, decision: "approve", action_digest })).status,
    read,
    awaitQuestion: async (id: string): Promise<Approval> =>
      await until(`run ${id} asks`, async () =>
        (await read(id)).approvals.find(({ status }) => status === "open"),
      ),
    awaitEnd: async (id: string): Promise<Run> =>
      await until(`run ${id} ends`, async () => {
        const run = await read(id);
        return run.finished_at === null ? undefined : run;
      }),
  };
}

test("what waited when the machine was lost waits again, is approved once, and has its effect once", async () => {
  const sink = await startToolSink();
  const installation = createInstallation(sink.url);
  const backup = join(installation.folder, "backup");
  try {
    const before = await startServerProcess(installation);
    const key = readCredentials(installation.home)?.key ?? "";
    const first = talkTo(before.url, key);
    const id = await first.submit(installation);
    // One question answered and carried out, the next one open: what is put back is no empty database.
    expect(await first.approve(await first.awaitQuestion(id))).toBe(200);
    const waiting = await until("the second question", async () =>
      (await first.read(id)).approvals.find(
        ({ status, action }) => status === "open" && action.tool === "tell_sink",
      ),
    );
    await before.stop();
    copy(installation.home, backup);
    rmSync(installation.home, { recursive: true });
    expect(existsSync(installation.home)).toBe(false);

    copy(backup, installation.home);
    const after = await startServerProcess(installation);
    const second = talkTo(after.url, key);
    expect(await second.submit(installation)).toBe(id);
    const open = await second.awaitQuestion(id);
    expect([open.id, open.action_digest]).toEqual([waiting.id, waiting.action_digest]);
    expect([...sink.effects().values()]).toEqual([]);
    expect(await second.approve(open)).toBe(200);
    const run = await second.awaitEnd(id);
    expect(run.status).toBe("succeeded");
    expect([...sink.effects().values()]).toEqual([1]);
    // A second yes changes nothing more, whatever it is answered with.
    await second.approve(open);
    expect([...sink.effects().values()]).toEqual([1]);
    expect(run.steps.filter(({ kind }) => kind === "tool").map(({ state }) => state)).toEqual([
      "succeeded",
      "succeeded",
    ]);
    await after.stop();
    const words = ["--home", installation.home, "audit", "verify", "--db", "--state", "--json"];
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...words]);
    expect(
      z.object({ verified: z.boolean(), findings: z.array(z.unknown()) }).parse(JSON.parse(stdout)),
    ).toEqual({
      verified: true,
      findings: [],
    });
  } finally {
    await sink.stop();
    installation.remove();
  }
});
