// A rolling upgrade with runs under way: two versions of the program, as processes, on one Postgres. One pair is the last
// program before the newest migration, out of this repository's history, and this one; the other is this one and a
// program whose messages it does not understand.

import { expect, test } from "vitest";
import { EXIT_CODES } from "../../packages/harness/src/cli/exit-codes.ts";
import { checkOutOlderProgram, PRESENT_PROGRAM, writeNewerProgram } from "../support/target/program-copy.ts";
import { openRoll, type Roll, temporaryFolder } from "../support/target/rolling-upgrade.ts";

const effectsOf = ({ sink }: Roll): readonly number[] => [...sink.effects().values()];

test("the version before and this one serve each other's runs, and the old one is retired without a loss", async () => {
  await using stack = new AsyncDisposableStack();
  const older = checkOutOlderProgram(temporaryFolder(stack));
  await using roll = await openRoll();
  const oldServer = await roll.start("server", older);
  const oldWorker = await roll.start("worker", older);
  const first = await roll.submit(oldServer);
  await roll.waits(oldServer, first, 0);
  // The new program migrates under the old one's feet.
  const newServer = await roll.start("server", PRESENT_PROGRAM);
  await roll.approve(newServer, first);
  await roll.waits(newServer, first, 1);
  // Taken in by the new one, carried on by the old one's worker: there is no other.
  const second = await roll.submit(newServer);
  await roll.waits(oldServer, second, 0);
  const newWorker = await roll.start("worker", PRESENT_PROGRAM);
  await roll.retire(oldWorker);
  // Decided at the old one, carried out by the new one's worker.
  await roll.approve(oldServer, first);
  await roll.approveMoved(newServer, first);
  expect((await roll.ends(oldServer, first)).status).toBe("succeeded");
  const third = await roll.submit(oldServer);
  await roll.waits(oldServer, third, 0);
  await roll.retire(oldServer);
  for (const id of [second, third]) {
    await roll.approve(newServer, id);
    await roll.waits(newServer, id, 1);
    await roll.approve(newServer, id);
    expect((await roll.ends(newServer, id)).status).toBe("succeeded");
  }
  expect(effectsOf(roll)).toEqual([1, 1, 1]);
  expect(await roll.refusal("server", older), "an old program does not start on a newer database").toBe(
    EXIT_CODES.cannot_start.code,
  );
  expect(newWorker.child.exitCode).toBeNull();
  // The older one's events say less: they are held to what they say.
  for (const member of [newWorker, newServer]) await roll.retire(member);
  expect(await roll.auditFindings()).toEqual([]);
}, 900_000);

test("what a newer program queued in a format that this one does not know waits for it; this one goes on with its own", async () => {
  await using stack = new AsyncDisposableStack();
  const newer = writeNewerProgram(temporaryFolder(stack));
  await using roll = await openRoll();
  const server = await roll.start("server", PRESENT_PROGRAM);
  await roll.start("worker", PRESENT_PROGRAM);
  const passing = await roll.submit(server);
  await roll.waits(server, passing, 0);
  const nextServer = await roll.start("server", newer);
  // Queued anew by the newer program, so in its format.
  await roll.approve(nextServer, passing);
  const own = await roll.submit(server);
  await roll.waits(server, own, 0);
  const left = await roll.read(server, passing);
  expect([left.status, left.approvals.length]).toEqual(["queued", 1]);
  // A worker of the newer program takes both formats.
  const nextWorker = await roll.start("worker", newer);
  await roll.waits(nextServer, passing, 1);
  await roll.approve(server, own);
  await roll.waits(server, own, 1);
  for (const id of [passing, own]) {
    await roll.approve(nextServer, id);
    expect((await roll.ends(nextServer, id)).status).toBe("succeeded");
  }
  expect(effectsOf(roll)).toEqual([1, 1]);
  expect(nextWorker.child.exitCode).toBeNull();
}, 900_000);
