// The embedded database: a real Postgres as our detached child, shared by all our processes on the machine, started
// by the first and stopped by the last. DESIGN section 5, "Storage and queue".

import { existsSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Connection } from "../connect.ts";
import { chooseIdentity } from "./account.ts";
import { attach, connectionTo, detach, type Place, stopUnused } from "./attach.ts";
import { reachBinaries } from "./binaries.ts";
import { bootstrap, DATABASE_NAME } from "./bootstrap.ts";
import { checkCluster, createCluster } from "./cluster.ts";
import { type EmbeddedRole, readPasswords } from "./passwords.ts";
import { chooseHome, dataOf, findHome, passwordsOf, prepareFolder, prepareSocketFolder } from "./places.ts";
import { describeHost, findBinaries, type Host } from "./platform.ts";
import { readPidFile } from "./postmaster.ts";
import type { Presence } from "./presence.ts";
import { type EmbeddedRefusal, refuseFileError } from "./refusal.ts";
import { ok, type Result } from "../../../base/result.ts";

export type EmbeddedOptions = {
  /** Where the database lives, such as `<repository>/.assent`; made if need be. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  /** Told, in one line each, of what takes long or touches the system. */
  readonly onProgress?: (line: string) => void;
  /** Only a test, whose data is thrown away, may say false. */
  readonly fsync?: boolean;
  /** Where root keeps what its server cannot reach elsewhere. */
  readonly systemFolder?: string;
  readonly host?: Host;
};

const SYSTEM_FOLDER = "/var/lib/assent";

export type EmbeddedServer = AsyncDisposable & {
  /** Where the cluster is kept: in the folder, or with the system's where the server's user cannot reach that. */
  readonly home: string;
  /** Changes when a server that died was started again. */
  readonly serverPid: number;
  /** How to reach the database as one of its roles, over the private unix socket. */
  connection(role: EmbeddedRole, database?: string): Connection;
  /** Ends our use, after the caller has ended its pools; the last of all processes stops the server. */
  release(): Promise<"stopped" | "shared">;
};

/**
 * Attaches to the folder's server, making the cluster and starting the server where need be. While this process
 * lives, a server that dies is started again; presence alone does not keep the process alive.
 * @throws the signal's reason, when aborted
 */
export async function openEmbedded(
  options: EmbeddedOptions,
): Promise<Result<EmbeddedServer, EmbeddedRefusal>> {
  const onProgress = options.onProgress ?? ((): void => undefined);
  try {
    const place = await preparePlace(options, onProgress);
    if (!place.ok) return place;
    const attached = await attach(place.value, { signal: options.signal, onProgress });
    if (!attached.ok) return attached;
    try {
      await bootstrap(attached.value.client, place.value.passwords);
    } catch (error) {
      await detach(place.value, attached.value);
      throw error;
    }
    return ok(holdServer(place.value, attached.value, onProgress));
  } catch (error) {
    return refuseFileError(error, options.folder);
  }
}

async function preparePlace(
  options: EmbeddedOptions,
  onProgress: (line: string) => void,
): Promise<Result<Place, EmbeddedRefusal>> {
  const systemFolder = options.systemFolder ?? SYSTEM_FOLDER;
  const found = findBinaries(options.host ?? describeHost());
  if (!found.ok) return found;
  const account = await chooseIdentity(dataOf(`${options.folder}/postgres`), onProgress);
  if (!account.ok) return account;
  const folder = prepareFolder(options.folder, account.value);
  const known = findHome(folder, systemFolder);
  if (!known.ok) return known;
  const reach = async (): ReturnType<typeof reachBinaries> =>
    await reachBinaries(found.value, account.value, systemFolder, onProgress);
  let home = known.value;
  if (home === undefined || !existsSync(home)) {
    const binaries = await reach();
    if (!binaries.ok) return binaries;
    const chosen = await chooseHome(folder, systemFolder, binaries.value, account.value, onProgress);
    if (!chosen.ok) return chosen;
    home = chosen.value;
    onProgress(`making a new Postgres database in ${home}; this takes some seconds`);
    const made = await createCluster(home, {
      binaries: binaries.value,
      identity: account.value,
      fsync: options.fsync ?? true,
      signal: options.signal,
    });
    if (!made.ok) return made;
  }
  const checked = checkCluster(home, found.value);
  if (!checked.ok) return checked;
  const passwords = readPasswords(passwordsOf(home));
  if (!passwords.ok) return passwords;
  const socketFolder = prepareSocketFolder(home, account.value);
  if (!socketFolder.ok) return socketFolder;
  return ok({
    home,
    socketFolder: socketFolder.value,
    passwords: passwords.value,
    identity: account.value,
    fsync: options.fsync ?? true,
    reachBinaries: reach,
  });
}

/** Stops the folder's server if it runs and no process uses it: what a killed run left behind. */
export async function stopUnusedServer(folder: string): Promise<"stopped" | "shared" | "absent"> {
  if (!existsSync(folder)) return "absent";
  const home = findHome(folder, SYSTEM_FOLDER);
  if (!home.ok || home.value === undefined || readPidFile(home.value) === undefined) return "absent";
  const place = await preparePlace({ folder }, () => undefined);
  return place.ok ? await stopUnused(place.value) : "absent";
}

/** Between tries to get back to a server that was lost, doubled with each. */
const HEAL_PAUSE_MS = 1_000;
const HEAL_PAUSE_MS_MAX = 30_000;

const onlyReleased =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (!signal.aborted) throw error;
  };

function holdServer(place: Place, first: Presence, onProgress: (line: string) => void): EmbeddedServer {
  let presence: Presence | undefined;
  let healing: Promise<void> | undefined;
  let released: Promise<"stopped" | "shared"> | undefined;
  const releasing = new AbortController();

  const hold = (next: Presence): void => {
    presence = next;
    next.socket.unref();
    next.client.once("end", () => {
      presence = undefined;
      if (!releasing.signal.aborted) healing = heal();
    });
  };
  // Without presence another process would stop the server under us; without a server nothing here works. What keeps it
  // from starting (a full disk) may be mended any time, so this ends with the process only.
  const heal = async (): Promise<void> => {
    onProgress("the connection to Postgres was lost: attaching again");
    for (
      let pauseMs = HEAL_PAUSE_MS;
      !releasing.signal.aborted;
      pauseMs = Math.min(pauseMs * 2, HEAL_PAUSE_MS_MAX)
    ) {
      try {
        const again = await attach(place, { signal: releasing.signal, onProgress });
        if (again.ok) {
          hold(again.value);
          return;
        }
        onProgress(`${again.error.message}; trying again`);
      } catch (error) {
        if (!releasing.signal.aborted) onProgress(`Postgres is lost: ${String(error)}; trying again`);
      }
      await wait(pauseMs, undefined, { signal: releasing.signal, ref: false }).catch(
        onlyReleased(releasing.signal),
      );
    }
  };
  const release = async (): Promise<"stopped" | "shared"> => {
    releasing.abort();
    await healing;
    if (presence === undefined)
      return await stopUnused(place).then((end) => (end === "absent" ? "stopped" : end));
    presence.socket.ref();
    return await detach(place, presence);
  };
  const releaseOnce = async (): Promise<"stopped" | "shared"> => await (released ??= release());
  hold(first);
  return {
    home: place.home,
    get serverPid(): number {
      return readPidFile(place.home)?.pid ?? 0;
    },
    connection: (role, database = DATABASE_NAME) => connectionTo(place, role, database),
    release: releaseOnce,
    [Symbol.asyncDispose]: async () => {
      await releaseOnce();
    },
  };
}
