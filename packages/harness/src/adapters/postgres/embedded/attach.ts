// Gets a process onto the running server, starting one where none runs. Everything that can race here races on
// locks of Postgres itself, so the loop only looks, tries, and looks again.

import { setTimeout as wait } from "node:timers/promises";
import type { Connection } from "../connect.ts";
import { type EmbeddedRole, hidePasswords, type Passwords, ROLE_NAMES } from "./passwords.ts";
import { dataOf, SOCKET_PORT } from "./places.ts";
import type { Binaries } from "./platform.ts";
import {
  type Launch,
  launchServer,
  readPidFile,
  removeStaleLocks,
  servesHome,
  stopServer,
} from "./postmaster.ts";
import { leaveAsLast, type Presence, tryPresence } from "./presence.ts";
import { type EmbeddedRefusal, refuse, refuseFullDisk, type Refused } from "./refusal.ts";
import { err, ok, type Result } from "../../../base/result.ts";
import type { Identity } from "./tool.ts";

/** All that is needed to find a cluster's server, and to start it. */
export type Place = {
  readonly home: string;
  readonly socketFolder: string;
  readonly passwords: Passwords;
  readonly identity: Identity | undefined;
  readonly fsync: boolean;
  /** Asked for once a server must be started: who attaches to a running one needs no binaries. */
  readonly reachBinaries: () => Promise<Result<Binaries, EmbeddedRefusal>>;
};

/** Recovery after a crash replays at most a few hundred megabytes; a slow disk gets this long for it. */
export const OPEN_MS_MAX = 120_000;
/** Who gives up on a server that is still starting waits this long to stop it, then leaves it to the next one. */
const ABANDON_MS_MAX = 5000;
const POLL_MS_MIN = 10;
const POLL_MS_MAX = 100;
const PROGRESS_EVERY_MS = 2000;

export function connectionTo(place: Place, role: EmbeddedRole, database: string): Connection {
  return {
    // A running server says itself where it listens: it may have been started under another TMPDIR.
    host: readPidFile(place.home)?.socketFolder ?? place.socketFolder,
    port: SOCKET_PORT,
    database,
    user: ROLE_NAMES[role],
    password: () => place.passwords[role],
  };
}

type Options = { readonly signal: AbortSignal | undefined; readonly onProgress: (line: string) => void };

/** Presence is held by the superuser's connection to the database `postgres`, until that ends. */
export async function attach(place: Place, options: Options): Promise<Result<Presence, EmbeddedRefusal>> {
  const launches: Launch[] = [];
  const isOurs = (): boolean => launches.some((launch) => launch.exit() === undefined);
  try {
    const attached = await attachOrLaunch(place, options, launches);
    // A server that we started and that turns us away turns everybody away: it must not stay behind.
    if (!attached.ok && TURNED_AWAY.includes(attached.error.reason) && isOurs()) await stopServer(place.home);
    return attached;
  } catch (error) {
    if (isOurs()) await abandon(place);
    throw error;
  }
}

const TURNED_AWAY: readonly EmbeddedRefusal["reason"][] = ["passwords_unreadable", "disk_full"];

/** Stops a server of ours that nobody uses, also one that cannot be asked who does. */
async function abandon(place: Place): Promise<void> {
  try {
    await stopUnused(place, ABANDON_MS_MAX);
  } catch {
    await stopServer(place.home);
  }
}

async function attachOrLaunch(
  place: Place,
  options: Options,
  launches: Launch[],
): Promise<Result<Presence, EmbeddedRefusal>> {
  const startMs = performance.now();
  let progressMs = startMs;
  let why = "it does not listen";
  for (let pollMs = POLL_MS_MIN; ; pollMs = Math.min(pollMs * 1.5, POLL_MS_MAX)) {
    options.signal?.throwIfAborted();
    const attempt = await tryPresence(place.home, connectionTo(place, "superuser", "postgres"));
    if (attempt.outcome === "present") return ok(attempt.presence);
    if (attempt.outcome === "refused") return err(attempt.refusal);
    if (attempt.outcome === "busy") why = attempt.why;
    else {
      const launched = await keepLaunching(place, launches);
      if (!launched.ok) return launched;
    }
    const nowMs = performance.now();
    if (nowMs - startMs > OPEN_MS_MAX) return refuseTimeout(place.home, why);
    if (nowMs - progressMs > PROGRESS_EVERY_MS) {
      options.onProgress(`waiting for Postgres: ${why}`);
      progressMs = nowMs;
    }
    await wait(pollMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

const refuseTimeout = (home: string, why: string): Refused =>
  refuse(
    "start_timeout",
    `the database server of ${home} was not ready after ${OPEN_MS_MAX / 1000} seconds`,
    `look into ${home}/server.log`,
    why,
  );

async function keepLaunching(place: Place, launches: Launch[]): Promise<Result<void, EmbeddedRefusal>> {
  const latest = launches.at(-1);
  const exit = latest?.exit();
  if (latest !== undefined && exit === undefined) return ok(undefined);
  if (exit !== undefined) {
    const judged = judgeExit(place, exit.failure);
    if (!judged.ok) return judged;
  }
  const binaries = await place.reachBinaries();
  if (!binaries.ok) return binaries;
  launches.push(launchServer(place.home, { ...place, binaries: binaries.value }));
  return ok(undefined);
}

/** Whether a server that ended may be started again, going by what it wrote. */
function judgeExit(place: Place, output: string): Result<void, EmbeddedRefusal> {
  if (/lock file ".*" already exists/.test(output)) {
    // Another process's server was faster, and will answer; or nobody's is, and the number is another program's.
    removeStaleLocks(place.home, place.socketFolder);
    return ok(undefined);
  }
  // The children of a killed server let go within moments; a server that another process stopped may start again.
  if (/pre-existing shared memory block|shutdown request/.test(output)) return ok(undefined);
  const detail = hidePasswords(output, place.passwords);
  if (output.includes("No space left on device")) return refuseFullDisk(place.home, detail);
  if (/checkpoint record|control file|pg_control|could not open directory|incorrect checksum/.test(output)) {
    return refuse(
      "data_corrupt",
      `the database at ${dataOf(place.home)} is damaged`,
      `restore ${place.home} from a backup; to start empty instead, move it away`,
      detail,
    );
  }
  if (output.includes("Permission denied")) {
    return refuse(
      "folder_unreachable",
      `the user that Postgres runs as cannot use ${place.home}`,
      "give back the owner and mode that the detail names",
      detail,
    );
  }
  return refuse(
    "start_failed",
    `Postgres does not start on ${place.home}`,
    "mend what the detail says",
    detail,
  );
}

/**
 * Gives up presence, and stops the server when nobody else is present.
 * @throws when the server cannot be stopped
 */
export async function detach(place: Place, { client }: Presence): Promise<"stopped" | "shared"> {
  try {
    const last = await leaveAsLast(client);
    if (last === undefined) return (await stopUnused(place)) === "stopped" ? "stopped" : "shared";
    if (last) await stopServer(place.home);
    return last ? "stopped" : "shared";
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Stops a server whose processes were all killed; one in use is left alone. */
export async function stopUnused(
  place: Place,
  limitMs: number = OPEN_MS_MAX,
): Promise<"stopped" | "shared" | "absent"> {
  const deadlineMs = performance.now() + limitMs;
  while (performance.now() < deadlineMs) {
    const pid = readPidFile(place.home)?.pid;
    if (pid === undefined || servesHome(pid, place.home) !== true) return "absent";
    const attempt = await tryPresence(place.home, connectionTo(place, "superuser", "postgres"));
    if (attempt.outcome === "present") return await detach(place, attempt.presence);
    if (attempt.outcome === "refused") return "shared";
    await wait(POLL_MS_MAX);
  }
  return "shared";
}
