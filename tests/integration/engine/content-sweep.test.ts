// Orphans are swept; what a run names, or may be about to name, never is (invariant 12, complete or nothing).

import { mkdtempSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunId } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openArtifactFiles } from "../../../packages/harness/src/adapters/files/artifact-files.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { CONTENT_ORPHAN_HOURS } from "../../../packages/harness/src/base/limits.ts";
import type { ArtifactFiles } from "../../../packages/harness/src/ports.ts";
import { startContentSweeper, sweepContent } from "../../../packages/harness/src/services/content-sweeper.ts";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { answering, type Engine, openEngine } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const OLD = new Date(Date.now() - (CONTENT_ORPHAN_HOURS + 1) * 3_600_000);

let folder: string;
let files: ArtifactFiles;
let engine: Engine;
let answer = "";
let sequence = 0;
const submitted: RunId[] = [];
const newest = (): RunId => {
  const id = submitted.at(-1);
  if (id === undefined) throw new Error("nothing was submitted");
  return id;
};
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "assent-sweep-"));
  files = openArtifactFiles({ folder, random: systemRandom });
  engine = await openEngine({ models: answering(() => ({ text: answer })) });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const age = (sha256: string): void => {
  utimesSync(join(folder, "sha256", sha256.slice(0, 2), sha256), OLD, OLD);
};

async function finish(words: string, store: ArtifactFiles): Promise<RunId> {
  answer = words;
  sequence += 1;
  const id = await engine.submit(`Task ${sequence}.`);
  submitted.push(id);
  const claim = await claimRun(engine.ports, sequence, engine.tenant, id);
  if (claim === null) throw new Error("the run can be taken");
  await advanceRun({ ...engine.ports, files: store }, claim, never, never);
  return id;
}

const ports = (store: ArtifactFiles = files): Parameters<typeof sweepContent>[0] => ({
  store: engine.store,
  files: store,
  clock: engine.clock,
  clockWatch: engine.ports.clockWatch,
  log: engine.ports.log,
});

test("old content that no run names is removed; what is young, or named, stays", async () => {
  const run = await engine.run(await finish("named", files));
  const named = run.artifacts[0]?.sha256 ?? "";
  const { sha256: orphan } = await files.put(text("left by a dead worker"));
  const { sha256: young } = await files.put(text("about to be named"));
  age(named);
  age(orphan);
  const clockWatch = { difference: () => "The clock here is 90000 s ahead of that of the database." };
  expect(await sweepContent({ ...ports(), clockWatch })).toBe(0);
  expect(await sweepContent(ports())).toBe(1);
  expect(await files.get(orphan)).toBeNull();
  expect(await files.get(young)).not.toBeNull();
  expect(Buffer.from((await files.get(named)) ?? []).toString()).toBe("named");
  expect(await sweepContent(ports())).toBe(0);
});

test("content that is swept between its storing and its commit is noticed: no success, then stored again", async () => {
  // Stored long ago by a worker that died; stored again now, which finds it there and leaves it as it is.
  const { sha256 } = await files.put(text("twice"));
  age(sha256);
  let swept = 0;
  const sweptAfterPut: ArtifactFiles = {
    ...files,
    put: async (bytes) => {
      const put = await files.put(bytes);
      swept += await sweepContent(ports());
      return put;
    },
  };
  await expect(finish("twice", sweptAfterPut)).rejects.toThrow(/is not there/);
  expect(swept).toBe(1);
  const id = newest();
  expect((await engine.run(id)).status).toBe("running");
  await engine.sweep();
  const claim = await claimRun(engine.ports, 999, engine.tenant, id);
  if (claim === null) throw new Error("the run can be taken again");
  await advanceRun({ ...engine.ports, files }, claim, never, never);
  expect((await engine.run(id)).status).toBe("succeeded");
  expect(Buffer.from((await files.get(sha256)) ?? []).toString()).toBe("twice");
});

test("while content is being removed nobody commits an artifact of it, and afterwards its absence shows", async () => {
  const { sha256 } = await files.put(text("contended"));
  age(sha256);
  const removing = Promise.withResolvers<undefined>();
  const begun = Promise.withResolvers<undefined>();
  const slow: ArtifactFiles = {
    ...files,
    remove: async (digest) => {
      begun.resolve(undefined);
      await removing.promise;
      await files.remove(digest);
    },
  };
  const sweeping = sweepContent(ports(slow));
  await begun.promise;
  const finishing = finish("contended", files).then(
    () => "finished",
    (error: unknown) => String(error),
  );
  await until("the commit waits for the lock", async () => {
    const { rows } = await engine.database
      .ownerPool()
      .query("select 1 from pg_locks where locktype = 'advisory' and not granted");
    return rows.length > 0;
  });
  removing.resolve(undefined);
  expect(await sweeping).toBe(1);
  expect(await finishing).toContain("is not there");
});

test("the sweeper of a process sweeps at once, and stops when it is told to", async () => {
  const { sha256 } = await files.put(text("for the loop"));
  age(sha256);
  const sweeper = startContentSweeper(ports());
  await until("it was swept", async () => (await files.get(sha256)) === null);
  await sweeper.stop();
});
