import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { CLUSTER_VARIABLE, connectThrowAwayDatabase, sweepClusters } from "../../support/database.ts";
import { forkChild, isRunning, nextMessage } from "./processes.ts";

// Without the variable the child is no part of this run.
const ALONE: NodeJS.ProcessEnv = { [CLUSTER_VARIABLE]: undefined };

const readServerPid = (socketFolder: string): number =>
  Number.parseInt(readFileSync(join(dirname(socketFolder), "data", "postmaster.pid"), "utf8"), 10);

const runFolderOf = (socketFolder: string): string => dirname(dirname(socketFolder));

test("the cluster of a killed run is found, stopped and removed by the next; those in use stay", async () => {
  const killed = forkChild("throw-away-user", ["hang"], ALONE);
  const inUse = forkChild("throw-away-user", ["hang"], ALONE);
  const [{ value: killedSocket }, { value: usedSocket }] = await Promise.all([
    nextMessage(killed),
    nextMessage(inUse),
  ]);
  const killedPid = readServerPid(killedSocket);
  const usedPid = readServerPid(usedSocket);
  const ended = once(killed, "exit");
  killed.kill("SIGKILL");
  await ended;
  expect(isRunning(killedPid)).toBe(true);
  await sweepClusters();
  expect(isRunning(killedPid)).toBe(false);
  expect(existsSync(runFolderOf(killedSocket))).toBe(false);
  expect(isRunning(usedPid)).toBe(true);
  // Nor was this run's own cluster touched.
  await using database = await connectThrowAwayDatabase();
  expect((await database.appPool().query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  const usedEnded = once(inUse, "exit");
  inUse.kill("SIGKILL");
  await usedEnded;
  await sweepClusters();
  expect(isRunning(usedPid)).toBe(false);
});

test("a program of its own gets a database of its own, ends by itself and leaves nothing", async () => {
  const child = forkChild("throw-away-user", [], ALONE);
  const ended = once(child, "exit");
  const { value: socket } = await nextMessage(child);
  expect(await ended).toEqual([0, null]);
  expect(existsSync(runFolderOf(socket))).toBe(false);
});
