// The signer's memory is taken from a running server, and from one that starts: runs go on, nothing is signed, and both
// readyz and the command line say so; put back, all of it is signed (invariant 11, history is evidence).

import { cpSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { z } from "zod";
import { expect, test } from "vitest";
import { compiledBefore } from "../support/compiled.ts";
import { playRun } from "../support/target/fleet-client.ts";
import { readEvidence } from "../support/target/fleet-evidence.ts";
import { PRESENT_PROGRAM } from "../support/target/program-copy.ts";
import { openSmallFleet, type SmallFleet } from "../support/target/small-fleet.ts";
import { temporaryFolder } from "../integration/files/repository.ts";
import { until } from "../support/until.ts";

const readinessSchema = z.looseObject({ audit_stopped: z.number() });

async function stoppedLogs({ members }: SmallFleet): Promise<number> {
  const server = members.find(({ role }) => role === "server");
  const ready = await fetch(`${server?.url}/readyz`);
  return ready.status === 200 ? readinessSchema.parse(await ready.json()).audit_stopped : -1;
}

async function auditLog({ installation: { home, folder } }: SmallFleet): Promise<string> {
  return await new Promise((resolve) => {
    const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...compiledBefore() };
    execFile(
      process.execPath,
      [PRESENT_PROGRAM, "audit", "log", "--home", home],
      { cwd: folder, env },
      (error, out, errors) => {
        resolve(`${error?.code ?? 0}\n${out}${errors}`);
      },
    );
  });
}

test("a signer whose memory is taken away under way signs nothing until it is put back, and runs go on", async () => {
  await using stack = new AsyncDisposableStack();
  const fleet = await openSmallFleet(stack, ["server"], ["worker"]);
  const signer = join(fleet.installation.home, "audit", "signer");
  const [older, away] = [join(temporaryFolder(), "older"), join(temporaryFolder(), "away")];
  mkdirSync(away);
  const anchors = (): string[] => readdirSync(signer).filter((name) => /^[0-9a-f]{32}$/.test(name));
  const wipe = (): void => {
    for (const name of anchors()) rmSync(join(signer, name), { recursive: true });
  };
  const play = async (index: number): Promise<void> => {
    expect((await playRun(fleet, index)).run?.status).toBe("succeeded");
  };
  const isSaid = async (): Promise<void> => {
    await until("readyz says it", async () => (await stoppedLogs(fleet)) > 0);
    expect(await auditLog(fleet)).toMatch(/^1\n[^]*NOT SIGNED any more: .*audit\/signer.*signer_memory_lost/);
  };
  await play(1);
  await until("both logs are signed", () => anchors().length >= 2);
  cpSync(signer, older, { recursive: true });
  await play(2);
  await until("all of it is signed", async () => (await auditLog(fleet)).startsWith("0"));
  // Taken away as it is: from here on nothing is signed, so this stays the newest.
  for (const name of anchors()) renameSync(join(signer, name), join(away, name));
  await play(3);
  await isSaid();
  cpSync(older, signer, { recursive: true });
  await play(4);
  await isSaid();
  await fleet.endAll();
  fleet.members.splice(0);
  await fleet.start("server");
  await fleet.start("worker");
  await play(5);
  await isSaid();
  wipe();
  for (const name of readdirSync(away)) renameSync(join(away, name), join(signer, name));
  await until("it goes on", async () => (await stoppedLogs(fleet)) === 0);
  await play(6);
  await fleet.endAll();
  expect(await readEvidence(fleet.installation)).toMatchObject({
    stored: { succeeded: 6 },
    contradictions: [],
    auditFindings: [],
  });
});
